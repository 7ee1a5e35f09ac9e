/** The address names the open conversation, so that back, reload and a shared link work. */

const PREFIX = "#/c/";

let show = () => {};

function current() {
  return location.hash.startsWith(PREFIX)
    ? decodeURIComponent(location.hash.slice(PREFIX.length))
    : null;
}

/** Show what the address names, now and whenever it changes. */
export function startRoute(onShow) {
  show = onShow;
  addEventListener("popstate", () => show(current()));
  show(current());
}

/** Open a conversation, or the bare list with null. */
export function goTo(id) {
  const before = current();
  if (id === before) return show(id);
  const address = id ? PREFIX + encodeURIComponent(id) : location.pathname + location.search;
  // From one conversation to the next the address is replaced: "back" means the list.
  if (id && before) history.replaceState(history.state, "", address);
  else if (id) history.pushState({ fromList: true }, "", address);
  else if (history.state?.fromList) return history.back();
  else history.replaceState(null, "", address);
  show(id);
}
