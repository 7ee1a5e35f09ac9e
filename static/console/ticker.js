/** A worker that ticks every second: a page in the background may be slowed to a tick a minute. */
setInterval(() => postMessage(0), 1000);
