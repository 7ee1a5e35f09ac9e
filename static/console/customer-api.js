/** The calls about customers; each that changes something answers with the card as it is now. */
import { call } from "./api.js";

const contact = (id, tail = "") => `contacts/${encodeURIComponent(id)}${tail}`;
const write = (tail) => (id, body) => call("POST", contact(id, tail), { body });

/** Return the card of the person that a contact stands for. */
export const getCard = (id) => call("GET", contact(id));

/** Return one page of what happened with the person, the latest first. */
export const getTimeline = (id, before) =>
  call("GET", contact(id, "/timeline"), { query: { before } });

/** Return the tags in use. */
export const getTags = () => call("GET", "tags");

/** Return the contacts that words may mean, but for one. */
export const findContacts = (q, beside) => call("GET", "contacts", { query: { q, beside } });

/** Write down name, phone, email, remark, or that the person opted out. */
export const postFacts = write("");

/** Put a tag on ({add} or {name}), or take it off ({remove}). */
export const postTag = write("/tags");

/** Write a note ({text}), pin it ({note, pinned}) or remove it ({note, remove: true}). */
export const postNote = write("/notes");

/** Serve the person no more: {reason, days}. */
export const postBlock = write("/block");

/** Serve the person again: {reason}. */
export const postUnblock = write("/unblock");

/** Merge {other} into the contact. */
export const postMerge = write("/merge");

/** Take {merge} back. */
export const postUnmerge = write("/unmerge");
