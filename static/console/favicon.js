/** The mark in the browser's tab, with the number of people waiting. */

const SIZE = 64;

let drawn = null;

/** Draw the tab's mark with this number on it; none for 0. */
export function badge(count) {
  if (count === drawn) return;
  drawn = count;
  const link = document.querySelector("link[rel=icon]");
  if (count === 0) {
    link.href = link.dataset.plain;
    link.type = "image/svg+xml";
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = SIZE;
  canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  bubble(pen);
  disc(pen, count);
  link.type = "image/png";
  link.href = canvas.toDataURL("image/png");
}

function bubble(pen) {
  pen.fillStyle = "#0f766e";
  pen.beginPath();
  pen.roundRect(2, 4, 56, 46, 12);
  pen.fill();
  pen.beginPath();
  pen.moveTo(14, 46);
  pen.lineTo(14, 62);
  pen.lineTo(32, 48);
  pen.fill();
}

function disc(pen, count) {
  pen.fillStyle = "#b42318";
  pen.beginPath();
  pen.arc(44, 42, 20, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#ffffff";
  pen.font = "bold 28px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(count > 9 ? "9+" : String(count), 44, 44);
}
