/** Two short sounds made on the spot: somebody waits (two tones), a visitor wrote (one). */
import { setting } from "./settings.js";

const CALL = [
  { hz: 659.25, at: 0, for: 0.18 },
  { hz: 880, at: 0.2, for: 0.28 },
];
const KNOCK = [{ hz: 587.33, at: 0, for: 0.14 }];

let context = null;

// Browsers allow sound only after the person touched the page.
for (const type of ["pointerdown", "keydown"]) {
  addEventListener(
    type,
    () =>
      ensureContext()
        ?.resume()
        .catch(() => {}),
    { capture: true, passive: true },
  );
}

function ensureContext() {
  if (!context && "AudioContext" in window) context = new AudioContext();
  return context;
}

/** Return whether a sound can be heard now; false until the person touched the page. */
export function canSound() {
  return context?.state === "running";
}

function play(notes) {
  if (!canSound()) return;
  const start = context.currentTime + 0.02;
  for (const note of notes) {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.type = "sine";
    oscillator.frequency.value = note.hz;
    const from = start + note.at;
    const until = from + note.for;
    // Soft edges: a sine that starts or stops at once clicks.
    gain.gain.setValueAtTime(0.0001, from);
    gain.gain.exponentialRampToValueAtTime(Math.max(0.0002, setting("volume") * 0.5), from + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, until);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(from);
    oscillator.stop(until + 0.02);
  }
}

/** Sound that somebody waits, unless sound is off. */
export function playCall() {
  if (setting("sound")) play(CALL);
}

/** Sound that a visitor wrote, unless sound is off. */
export function playKnock() {
  if (setting("sound")) play(KNOCK);
}

/** Sound the call whatever the settings, to hear the volume. */
export function tryCall() {
  ensureContext()
    ?.resume()
    .then(() => play(CALL))
    .catch(() => {});
}
