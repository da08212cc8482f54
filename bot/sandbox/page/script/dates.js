/** Slack's date tokens, and the times beside messages: in the time zone of whoever looks at the page. */
import { h } from "./dom.js";

const DAY_MILLISECONDS = 86_400_000;

const FORMATS = {
  date_num: (at) => [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-"),
  date: (at, locale) => intl(at, locale, { year: "numeric", month: "long", day: "numeric" }),
  date_short: (at, locale) => intl(at, locale, { year: "numeric", month: "short", day: "numeric" }),
  date_long: (at, locale) => intl(at, locale, { weekday: "long", year: "numeric", month: "long", day: "numeric" }),
  date_pretty: (at, locale) => nearDay(at, locale) ?? FORMATS.date(at, locale),
  date_short_pretty: (at, locale) => nearDay(at, locale) ?? FORMATS.date_short(at, locale),
  date_long_pretty: (at, locale) => nearDay(at, locale) ?? FORMATS.date_long(at, locale),
  time: (at, locale) => intl(at, locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  time_secs: (at, locale) => intl(at, locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
  ago: (at, locale) => ago(at, locale),
};

function intl(at, locale, options) {
  return new Intl.DateTimeFormat(locale || undefined, options).format(at);
}

function nearDay(at, locale) {
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(at) - midnight(new Date())) / DAY_MILLISECONDS);
  return Math.abs(days) > 1 ? null : new Intl.RelativeTimeFormat(locale || undefined, { numeric: "auto" }).format(days, "day");
}

function ago(at, locale) {
  const seconds = Math.round((at.getTime() - Date.now()) / 1000);
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => Math.abs(seconds) >= size) ?? [1, "second"];
  return new Intl.RelativeTimeFormat(locale || undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** The node of `<!date^unix^pattern|fallback>`; the fallback stands when the token cannot be read, as in Slack. */
export function dateToken(unix, pattern, fallback, locale) {
  const at = new Date(Number(unix) * 1000);
  if (!/^\d+$/.test(unix) || Number.isNaN(at.getTime())) return document.createTextNode(fallback);
  const text = pattern.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(FORMATS, name) ? FORMATS[name](at, locale) : whole));
  return h("time", { datetime: at.toISOString(), title: fallback }, text);
}

/** The time beside a message ("09:41"), the whole date in its tooltip. */
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  return h("time", { class: "clock", datetime: at.toISOString(), title: at.toLocaleString("en-GB") }, FORMATS.time(at, "en-GB"));
}

/** The time beside a call on the wire, to the millisecond. */
export function preciseClock(seconds) {
  const at = new Date(seconds * 1000);
  return h("time", { class: "clock", datetime: at.toISOString() }, `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`);
}
