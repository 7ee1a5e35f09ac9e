/** The page the frame is embedded in, spoken to over one private port. */

import { createSignal } from "./signal.js";

const VERSION = 1;

function expectedOrigin() {
  try {
    return document.referrer ? new URL(document.referrer).origin : null;
  } catch {
    return null;
  }
}

/** Return the nonce the loader put into the address, or null where the frame is a page by itself. */
export function hostNonce() {
  const nonce = new URLSearchParams(window.location.hash.slice(1)).get("n");
  return window.parent !== window && nonce ? nonce : null;
}

/**
 * Wait for the host page; resolves to {settings, send(type, payload), heard(listener)}.
 *
 * Only the parent window, with the nonce of this frame's address and, where the browser names it,
 * from the referring origin, is accepted; after that only the private port is listened to.
 */
export function meetHost(nonce) {
  const origin = expectedOrigin();
  return new Promise((resolve) => {
    function greet(event) {
      const data = event.data;
      const fitting =
        event.source === window.parent &&
        (origin === null || event.origin === origin) &&
        data &&
        data.cs === VERSION &&
        data.n === nonce &&
        data.t === "hello" &&
        event.ports.length === 1;
      if (!fitting) return;
      window.removeEventListener("message", greet);
      const port = event.ports[0];
      const heard = createSignal();
      port.onmessage = ({ data: message }) => heard.emit({ type: message.t, payload: message.p });
      resolve({
        settings: data.p || {},
        heard: heard.on,
        send: (type, payload) => port.postMessage({ t: type, p: payload }),
      });
    }
    window.addEventListener("message", greet);
  });
}

/** A host for the frame as a page by itself: nobody listens. */
export function noHost() {
  return { settings: {}, heard: () => {}, send: () => {} };
}
