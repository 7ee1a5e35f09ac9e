/** Sentences of the console in the page's language. */
import en from "./lang/en.js";
import zhHans from "./lang/zh-hans.js";

const DICTIONARIES = { en, "zh-hans": zhHans };

let dictionary = zhHans;
let tag = "zh-CN";
let plurals = new Intl.PluralRules(tag);

/** Speak this language ("zh-hans" or "en") from now on; anything unknown is Chinese. */
export function useLanguage(code) {
  const known = code in DICTIONARIES ? code : "zh-hans";
  dictionary = DICTIONARIES[known];
  tag = known === "en" ? "en" : "zh-CN";
  plurals = new Intl.PluralRules(tag);
}

/** Return the BCP 47 tag of the language in use, for Intl. */
export function languageTag() {
  return tag;
}

/**
 * Return a sentence with its {placeholders} filled.
 *
 * A sentence with plural forms is chosen by the value `n`. An unknown key comes back as it is.
 */
export function t(key, values = {}) {
  const entry = dictionary[key] ?? key;
  const sentence =
    typeof entry === "string" ? entry : (entry[plurals.select(values.n)] ?? entry.other);
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** Return whether there is a sentence for this key, for codes that servers may add. */
export function hasText(key) {
  return key in dictionary;
}
