/** The question at the end: how satisfied the visitor is, with the assistant and with the agent. */

import { make, setText } from "./dom.js";
import { t } from "./i18n.js";

const SCORES = [100, 80, 60, 40, 20];
const COMMENT_MAX = 500;

const opened = (survey, now) => now <= Date.parse(survey.expires_at);

/** Return whether a part may be answered, or its answer changed, at the instant `now` (ms). */
export const mayAnswer = (part, now) => now <= Date.parse(part.editable_until);

/** Return the sentence below the questions: what has become of the survey by `now` (ms). */
export function standing(survey, now) {
  const given = survey.parts.filter((part) => part.score !== null);
  if (!given.length) return opened(survey, now) ? "" : t("survey_over");
  const open = survey.parts.some((part) => mayAnswer(part, now));
  if (given.length < survey.parts.length && opened(survey, now)) return t("survey_one_more");
  return t(open ? "survey_thanks_change" : "survey_thanks");
}

function question(part, choose) {
  const group = make("div", { className: "survey-part", role: "group", "aria-label": part.question });
  group.append(make("p", { className: "survey-question" }, part.question));
  const row = make("div", { className: "survey-choices" });
  for (const score of SCORES) {
    const choice = make("button", { type: "button", className: "survey-choice" }, t(`score_${score}`));
    choice.dataset.score = String(score);
    choice.addEventListener("click", () => choose(part.part, score));
    row.append(choice);
  }
  group.append(row);
  return group;
}

function commentForm(send) {
  const form = make("form", { className: "survey-comment" });
  const box = make("textarea", {
    rows: 2,
    maxLength: COMMENT_MAX,
    placeholder: t("survey_comment"),
    "aria-label": t("survey_comment"),
  });
  const button = make("button", { type: "submit", className: "secondary" }, t("survey_comment_send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(box.value.trim());
  });
  form.append(box, button);
  return { form, box };
}

/** Build the card of a message that asks; returns {element, update(item)} like any bubble. */
export function createSurvey(item, on) {
  let current = item;
  let timer = 0;
  let touched = false;
  const element = make("section", { className: "survey", "aria-label": t("survey_title") });
  element.append(make("p", { className: "survey-title" }, t("survey_title")));
  const groups = new Map();
  for (const part of item.survey.parts) {
    const group = question(part, (name, score) => on.answer(current, { part: name, score }));
    groups.set(part.part, group);
    element.append(group);
  }
  const { form, box } = commentForm((comment) => {
    const part = current.survey.parts.find((each) => each.score !== null);
    touched = false;
    on.answer(current, { part: part.part, score: part.score, comment });
  });
  box.addEventListener("input", () => {
    touched = true;
  });
  const words = make("p", { className: "survey-words", role: "status" });
  element.append(form, words);

  function draw() {
    const { survey, surveyFailed } = current;
    const now = Date.now();
    for (const part of survey.parts) {
      const may = mayAnswer(part, now);
      const group = groups.get(part.part);
      group.hidden = !may && part.score === null;
      for (const choice of group.querySelectorAll("button")) {
        const chosen = Number(choice.dataset.score) === part.score;
        choice.setAttribute("aria-pressed", String(chosen));
        choice.disabled = !may;
        choice.hidden = !may && !chosen;
      }
    }
    const first = survey.parts.find((part) => part.score !== null);
    form.hidden = !(first && mayAnswer(first, now));
    if (!touched && box.value !== survey.comment) box.value = survey.comment;
    setText(words, surveyFailed ? t("survey_failed") : standing(survey, now));
    words.classList.toggle("is-bad", Boolean(surveyFailed));
    wait(survey, now);
  }

  /** Draw again when the next window closes. */
  function wait(survey, now) {
    clearTimeout(timer);
    const ends = survey.parts
      .map((part) => Date.parse(part.editable_until) - now)
      .filter((left) => left >= 0);
    if (!ends.length) return;
    const left = Math.min(...ends) + 50;
    timer = setTimeout(() => element.isConnected && draw(), Math.min(left, 2 ** 31 - 1));
  }

  function update(next) {
    current = next;
    draw();
  }
  update(item);
  return { element, update };
}
