/**
 * Text from elsewhere, made safe to show: characters that control, reorder, break or hide text become an escape such as
 * `\u202e`. The sets are those of the server (`core/printable.py`).
 */

const UNSEEN =
  "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164" +
  "\\ufe00-\\ufe0d\\ufeff\\uffa0\\ufff0-\\ufffb\\ud800-\\udfff\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}";
const JOINERS = "\\u200c\\u200d\\ufe0e\\ufe0f";
const LONE_JOINER = `(?<![^\\u0000-\\u00a0${UNSEEN}${JOINERS}])[${JOINERS}](?!\\u20e3)`;
const IN_A_LINE = new RegExp(`[\\u0000-\\u001f\\u007f-\\u009f${UNSEEN}]|${LONE_JOINER}`, "gu");
const IN_A_BLOCK = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f${UNSEEN}]|${LONE_JOINER}`, "gu");
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** On one line. */
export function printable(text: string): string {
  return text.replace(IN_A_LINE, escape);
}

/** As a block: tabs and line feeds stay. */
export function printableLines(text: string): string {
  return text.replace(IN_A_BLOCK, escape);
}

/** Printable where VS Code would draw `$(name)` as an icon: labels of lists and the status bar. */
export function printableLabel(text: string): string {
  return printable(text).replaceAll("$(", "\\$(");
}

/** Text with short paths: relative in a workspace folder, and with `~` in the home folder. */
export function shortened(text: string, folders: readonly string[], home: string): string {
  let short = text;
  for (const folder of folders.filter((path) => path.length > 1)) {
    short = short.replaceAll(`${folder}/`, "").replaceAll(`${folder}\\`, "");
  }
  return home.length > 1 ? short.replaceAll(`${home}/`, "~/").replaceAll(`${home}\\`, "~\\") : short;
}

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = (digits: number) => code.toString(16).padStart(digits, "0");
  return SHORT[character] ?? (code <= 0xff ? `\\x${hex(2)}` : code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`);
}
