/** Days as people of the product read them. */
import { dateTime } from "./time.js";

/** Return the day of an instant in the tenant's zone, such as 2026-11-23. */
export const date = (iso) => dateTime(iso).slice(0, 10);
