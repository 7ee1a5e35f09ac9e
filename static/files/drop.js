/** Files from outside: dropped on a zone, pasted into a box. */

/**
 * Hand files that are dropped on `zone` or pasted into `box` to `take(files)`.
 *
 * `open()` says whether files can be taken now. While files hover, the zone has the class
 * "is-dropping".
 */
export function acceptFiles({ zone, box, open, take }) {
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = () => zone.classList.toggle("is-dropping", depth > 0);

  zone.addEventListener("dragenter", (event) => {
    if (!carries(event) || !open()) return;
    event.preventDefault();
    depth += 1;
    show();
  });
  zone.addEventListener("dragover", (event) => {
    // Without this the browser would leave the page for the file.
    if (carries(event)) event.preventDefault();
  });
  zone.addEventListener("dragleave", (event) => {
    if (!carries(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  zone.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    if (open()) take([...event.dataTransfer.files]);
  });
  box.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture of the text beside the text: then the text is meant.
    if (!files.length || event.clipboardData.getData("text/plain") || !open()) return;
    event.preventDefault();
    take(files);
  });
}
