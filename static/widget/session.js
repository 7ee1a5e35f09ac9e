/** The visitor's session: one anonymous or verified contact of one channel in this browser. */

import { ApiError, openSession, refreshSession } from "./api.js";
import { createSignal } from "./signal.js";
import { randomId, withLock } from "./storage.js";

const VERSION = "1";

function profileOf(user) {
  const profile = {};
  for (const field of ["name", "phone", "email", "avatar"]) {
    if (user[field]) profile[field] = String(user[field]);
  }
  return profile;
}

/** Turn what the host page said about its user into the identity fields of the client API. */
function identityOf(user) {
  if (!user) return {};
  const identity = { user_id: user.id, profile: profileOf(user) };
  if (user.identityToken) identity.identity_token = user.identityToken;
  if (user.userHash) identity.user_hash = user.userHash;
  return identity;
}

// A changed profile or a changed proof must reach the server; the same one must not be re-sent on
// every page, and a short-lived token must not be kept in storage.
const markOf = (user) => JSON.stringify([user.id, Boolean(user.identityToken), profileOf(user)]);

/**
 * Keep the session of one channel.
 *
 * `obtainTicket()` resolves to a fresh boot ticket. `attributes()` gives what the host page told
 * about the visitor. `opened` fires with each session object received, `replaced` when the visitor
 * became another contact, `refused` with the code when who the visitor is could not be proven.
 */
export function createSession({ channelKey, storage, obtainTicket, locale, attributes }) {
  const opened = createSignal();
  const replaced = createSignal();
  const refused = createSignal();
  let saved = storage.get("session");
  let user = null;

  function device() {
    const id = storage.get("device") || randomId();
    storage.set("device", id);
    return id;
  }

  function keep(answer, person) {
    const changed = Boolean(saved) && saved.contact_id !== answer.contact_id;
    saved = {
      contact_id: answer.contact_id,
      token: answer.token,
      refresh_token: answer.refresh_token,
      ws_url: answer.ws_url,
      verified: answer.verified,
      user: person,
    };
    storage.set("session", saved);
    if (changed) replaced.emit();
    opened.emit(answer);
    return answer;
  }

  async function introduce(identity) {
    const accepted = storage.get("notice_version");
    const body = {
      channel_key: channelKey,
      device_id: device(),
      ticket: await obtainTicket(),
      locale: locale(),
      app: { platform: "web", version: VERSION },
      attributes: attributes(),
      ...identity,
    };
    if (accepted) body.notice_version = accepted;
    return openSession(body, locale());
  }

  async function create() {
    try {
      return keep(await introduce(identityOf(user)), user ? markOf(user) : null);
    } catch (error) {
      if (!user || error.status !== 422) throw error;
      // Whoever cannot be proven is let in as anybody else: a wrong token must not end the chat.
      refused.emit(error.code);
      user = null;
      return keep(await introduce({}), null);
    }
  }

  /** Replace the token `stale`; resolves to whether a usable token is there now. */
  async function renew(stale) {
    return withLock(`${storage.name}renew`, async () => {
      // A second tab may have renewed while this one waited; a refresh token works only once.
      const current = storage.get("session");
      if (current && current.token !== stale) {
        const another = saved && saved.contact_id !== current.contact_id;
        saved = current;
        if (another) replaced.emit();
        return true;
      }
      if (current && current.refresh_token) {
        try {
          keep(await refreshSession(current.refresh_token, locale()), current.user);
          return true;
        } catch (error) {
          if (error.status !== 401) throw error;
        }
      }
      await create();
      return true;
    });
  }

  /** Open the session if there is none; resolves to the session object, or null if one was kept. */
  async function ensure() {
    if (saved) return null;
    return withLock(`${storage.name}renew`, async () => {
      saved = storage.get("session");
      return saved ? null : create();
    });
  }

  /**
   * Make the session that of the person named last; raises ApiError when the proof is refused.
   *
   * Another person than before gets a session of their own and sees nothing of the former one.
   */
  async function identify(api) {
    if (!user || !saved || saved.user === markOf(user)) return;
    const next = user;
    const before = saved.user ? JSON.parse(saved.user)[0] : null;
    if (before !== null && before !== next.id) {
      await end(api);
      user = next;
      await create();
      replaced.emit();
      return;
    }
    if (next.identityToken || next.userHash) {
      const { contact_id: contact, verified } = await api.identify(identityOf(next));
      const moved = contact !== saved.contact_id;
      saved = { ...saved, contact_id: contact, verified, user: markOf(next) };
      storage.set("session", saved);
      if (moved) replaced.emit();
    } else {
      saved = { ...saved, user: markOf(next) };
      storage.set("session", saved);
    }
  }

  /** Forget this visitor here and on the server; never fails. */
  async function end(api) {
    if (saved) {
      try {
        await api.endSession();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }
    saved = null;
    user = null;
    for (const name of ["session", "device", "conversation", "outbox", "read", "notice_version"]) {
      storage.remove(name);
    }
    storage.remove("draft");
  }

  storage.onOtherTab((name) => {
    if (name === "session") saved = storage.get("session");
  });

  return {
    opened: opened.on,
    replaced: replaced.on,
    refused: refused.on,
    token: () => (saved ? saved.token : null),
    socketUrl: () => (saved ? saved.ws_url : null),
    exists: () => saved !== null,
    nameUser(next) {
      user = next;
    },
    ensure,
    renew,
    identify,
    end,
  };
}
