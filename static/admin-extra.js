/*
 * What the toolkit leaves out. Its choosers (select2) are named by nothing that a screen reader
 * reads: each gets the label of the field that it stands for, before what is chosen.
 */
function nameChoosers(within) {
  for (const chooser of within.querySelectorAll(".select2-selection[role=combobox]")) {
    const field = chooser.closest(".select2-container")?.previousElementSibling;
    const label = field?.id && document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    if (label) {
      label.id ||= `label-${field.id}`;
      const chosen = chooser.querySelector("[role=textbox]");
      chosen?.setAttribute("aria-labelledby", label.id);
      chooser.setAttribute("aria-labelledby", `${label.id} ${chosen?.id ?? ""}`.trim());
    }
  }
}

document.addEventListener("DOMContentLoaded", () => {
  nameChoosers(document);
  // They are made late, and for every row that is added.
  new MutationObserver((changes) => {
    if (changes.some((change) => change.addedNodes.length)) nameChoosers(document);
  }).observe(document.body, { childList: true, subtree: true });
});
