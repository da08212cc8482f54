/** The few emoji that a bot like this uses; an unknown :name: stays as it was written. */

const EMOJI = {
  arrow_forward: "▶️", arrow_right: "➡️", arrow_up: "⬆️", arrows_counterclockwise: "🔄", ballot_box_with_check: "☑️", bell: "🔔",
  bulb: "💡", calendar: "📅", clipboard: "📋", clock1: "🕐", cloud: "☁️", construction: "🚧", double_vertical_bar: "⏸️",
  exclamation: "❗", eyes: "👀", gear: "⚙️", grey_question: "❔", hammer_and_wrench: "🛠️", heavy_check_mark: "✔️",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mag: "🔍", memo: "📝", no_entry: "⛔",
  no_entry_sign: "🚫", octagonal_sign: "🛑", package: "📦", point_right: "👉", question: "❓", red_circle: "🔴",
  repeat: "🔁", robot_face: "🤖", rocket: "🚀", rotating_light: "🚨", sos: "🆘", speech_balloon: "💬", stopwatch: "⏱️",
  tada: "🎉", timer_clock: "⏲️", warning: "⚠️", wastebasket: "🗑️", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/** The character for a name without its colons, or null. */
export const emojiFor = (name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : null);
