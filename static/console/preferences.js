/** The settings of one person on one machine: sound, volume, desktop notices, language. */
import { askForNotices, noticePermission } from "./alerts.js";
import { fill, h } from "./dom.js";
import { languageTag, t } from "./i18n.js";
import { icon } from "./icons.js";
import { choose, setting } from "./settings.js";
import { canSound, tryCall } from "./tones.js";

/** Build what the settings dialog shows. */
export function buildPreferences() {
  return [soundGroup(), noticeGroup(), languageGroup()];
}

function group(title, ...children) {
  return h("section", { class: "setting" }, h("h3", {}, title), children);
}

function soundGroup() {
  const percent = h("output", {}, volumeText());
  const volume = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    value: setting("volume"),
    "aria-label": t("sound.volume"),
    on: {
      input: (event) => {
        choose({ volume: Number(event.target.value) });
        fill(percent, volumeText());
      },
      change: tryCall,
    },
  });
  return group(
    t("sound.title"),
    checkbox("sound", t("sound.enable")),
    h("div", { class: "setting-line" }, h("span", {}, t("sound.volume")), volume, percent),
    h(
      "div",
      { class: "setting-line" },
      h(
        "button",
        { type: "button", class: "button", on: { click: tryCall } },
        icon("bell"),
        t("sound.try"),
      ),
      !canSound() && h("span", { class: "muted" }, t("sound.asleep")),
    ),
    checkbox("quietBusy", t("sound.quiet_busy")),
    h("p", { class: "muted" }, t("sound.hint")),
  );
}

const volumeText = () => `${Math.round(setting("volume") * 100)}%`;

function checkbox(name, label) {
  return h(
    "label",
    { class: "setting-line" },
    h("input", {
      type: "checkbox",
      checked: setting(name),
      on: { change: (event) => choose({ [name]: event.target.checked }) },
    }),
    h("span", {}, label),
  );
}

function noticeGroup() {
  const box = group(t("notice.title"));
  const content = h("div", {});
  const draw = () => {
    const permission = noticePermission();
    if (permission === "granted") fill(content, checkbox("notifications", t("notice.enable")));
    else if (permission === "default") {
      fill(
        content,
        h(
          "button",
          {
            type: "button",
            class: "button",
            on: { click: async () => (await askForNotices(), draw()) },
          },
          icon("bell"),
          t("notice.allow"),
        ),
      );
    } else fill(content, h("p", { class: "muted" }, t(`notice.${permission}`)));
  };
  draw();
  box.append(content, h("p", { class: "muted" }, t("notice.hint")));
  return box;
}

function languageGroup() {
  const choice = (code, tag, label) =>
    h(
      "a",
      {
        class: "button",
        href: `?lang=${code}${location.hash}`,
        lang: tag,
        "aria-current": languageTag() === tag ? "true" : null,
      },
      label,
    );
  return group(
    t("language.title"),
    h(
      "div",
      { class: "setting-line" },
      choice("zh-hans", "zh-CN", t("language.zh")),
      choice("en", "en", t("language.en")),
    ),
  );
}
