/** What a visitor answered to a survey, as a line of the thread: to read, for nobody to change. */
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { clock, dateTime } from "./time.js";

/** Build the line of a message that asked how satisfied the visitor is. */
export function surveyLine(message) {
  const { survey } = message;
  const given = survey.parts.filter((part) => part.score !== null);
  return h(
    "section",
    { class: "survey-line", dataset: { seq: message.seq }, "aria-label": t("survey.title") },
    h(
      "p",
      { class: "survey-head" },
      icon("check"),
      h("span", {}, t(`survey.${given.length ? "answered" : survey.status}`)),
      h("time", { datetime: message.created_at, title: dateTime(message.created_at) }, clock(message.created_at)),
    ),
    given.length > 0 &&
      h(
        "dl",
        { class: "facts" },
        given.map((part) => [
          h("dt", {}, t(`survey.part.${part.part}`)),
          h("dd", {}, t("survey.given", { label: t(`survey.score.${part.score}`), score: part.score })),
        ]),
      ),
    survey.comment && h("blockquote", {}, survey.comment),
  );
}
