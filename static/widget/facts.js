/** What the host page tells about its visitor and its page; none of it is trusted by anyone. */

// The context of a message takes plain values only.
function named(prefix, values) {
  const entries = Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]);
  return Object.fromEntries(entries);
}

/**
 * Keep the facts of one frame.
 *
 * `attributes()` describes the visitor when a session is opened. `context(extra)` goes with a
 * message: the page always, order and product once, changed attributes and labels once.
 */
export function createFacts(settings) {
  let attributes = { ...settings.attributes };
  let page = settings.page || {};
  let once = {};
  let unsaid = {};

  return {
    attributes() {
      unsaid = {};
      return attributes;
    },

    context(extra) {
      const context = { ...page, ...once, ...unsaid, ...extra };
      once = {};
      unsaid = {};
      return context;
    },

    setPage(next) {
      if (next) page = next;
    },

    setAttributes(next) {
      attributes = next;
      Object.assign(unsaid, named("attribute", next));
    },

    setConversationAttributes(next) {
      Object.assign(unsaid, named("conversation", next));
    },

    setLabels(next) {
      unsaid.labels = next.join(",");
    },

    setContext(next) {
      once = { ...once, ...next };
    },
  };
}
