// Answers of the server as sheets of cells, for the files that `files.js` writes; the report page writes the same ones.

import "./files.js";

const DAY = 86_400_000;
const SERIAL_OF_1970 = 25_569;
// Spreadsheets count days from 1900, of which they take the first two months wrongly.
const FIRST_SERIAL = 61;

// A date has, as a spreadsheet counts it, a serial number; other texts and times with an offset have none.
function dateCell(text) {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$/.test(text)) return { text };
  const serial = Date.parse(`${text.replace(" ", "T")}${text.length > 10 ? "Z" : ""}`) / DAY + SERIAL_OF_1970;
  return serial >= FIRST_SERIAL ? { text, serial: Math.round(serial * 1e9) / 1e9 } : { text };
}

function cellOf(value, isTime) {
  if (typeof value === "number" || value === null || value === undefined) return { number: value ?? NaN };
  return isTime ? dateCell(String(value)) : { text: String(value) };
}

function rowsOf(columns, time) {
  const names = Object.keys(columns);
  const rows = columns[names[0]].map((_, k) => names.map((name) => cellOf(columns[name][k], name === time)));
  return [names.map((text) => ({ text })), ...rows];
}

// The forecast, and the scores if there are any, as [name, rows].
export function sheetsOf({ forecast, evaluation }, time) {
  const sheets = [["forecast", rowsOf(forecast, time)]];
  if (!evaluation) return sheets;
  const scores = ["model", "mae", "rmse"].map((name) => [name, evaluation.scores.map((score) => score[name])]);
  return [...sheets, ["scores", rowsOf(Object.fromEntries(scores), null)]];
}

export const { make, save } = window.gatecastFiles;
