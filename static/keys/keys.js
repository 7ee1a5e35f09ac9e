/** One key, one press: a button or link that names a key in `data-key` is pressed by it. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) {
    return;
  }
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) {
    return;
  }
  const pressed = [...document.querySelectorAll("[data-key]")].find(
    (each) => each.dataset.key === event.key,
  );
  if (pressed) {
    event.preventDefault();
    pressed.click();
  }
});
