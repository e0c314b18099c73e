// Tables that go out: CSV, and XLSX as a zip of plain XML without compression.

const quote = (cell) => {
  const text = cell === null || cell === undefined ? "" : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export const toCsv = (columns) => {
  const names = Object.keys(columns);
  const rows = columns[names[0]].map((_, k) => names.map((name) => quote(columns[name][k])).join(","));
  return `${[names.map(quote).join(","), ...rows].join("\n")}\n`;
};

const escape = (text) =>
  // XML has no other control characters.
  String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const cell = (value) => {
  if (typeof value === "number" && Number.isFinite(value)) return `<c><v>${value}</v></c>`;
  if (value === null || value === undefined) return "<c/>";
  return `<c t="inlineStr"><is><t xml:space="preserve">${escape(value)}</t></is></c>`;
};

function sheet(columns) {
  const names = Object.keys(columns);
  const rows = [names, ...columns[names[0]].map((_, k) => names.map((name) => columns[name][k]))];
  const body = rows.map((row) => `<row>${row.map(cell).join("")}</row>`).join("");
  return `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${body}</sheetData></worksheet>`;
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";

// Sheets by name, each a table of columns.
export function toXlsx(sheets) {
  const names = Object.keys(sheets);
  const each = (write) => names.map((name, k) => write(name, k + 1)).join("");
  const files = {
    "[Content_Types].xml": `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="${MAIN}.sheet.main+xml"/>${each((_, k) => `<Override PartName="/xl/worksheets/sheet${k}.xml" ContentType="${MAIN}.worksheet+xml"/>`)}</Types>`,
    "_rels/.rels": `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="r1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="${OFFICE}"><sheets>${each((name, k) => `<sheet name="${escape(name)}" sheetId="${k}" r:id="r${k}"/>`)}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${PACKAGE}/relationships">${each((_, k) => `<Relationship Id="r${k}" Type="${OFFICE}/worksheet" Target="worksheets/sheet${k}.xml"/>`)}</Relationships>`,
  };
  names.forEach((name, k) => {
    files[`xl/worksheets/sheet${k + 1}.xml`] = sheet(sheets[name]);
  });
  return zip(files);
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function zip(files) {
  const encoder = new TextEncoder();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = encoder.encode(name);
    const data = encoder.encode(XML + text);
    // Version, flags, method, time, date (1980-01-01), CRC, sizes, lengths of the name and of nothing else.
    const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc32(data), 4], [data.length, 4], [data.length, 4], [path.length, 2], [0, 2]];
    const local = record(0x04034b50, common);
    directory.push(record(0x02014b50, [[20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), path);
    parts.push(local, path, data);
    offset += local.length + path.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const n = Object.keys(files).length;
  return [...parts, ...directory, record(0x06054b50, [[0, 2], [0, 2], [n, 2], [n, 2], [size, 4], [offset, 4], [0, 2]])];
}

function record(signature, fields) {
  const all = [[signature, 4], ...fields];
  const bytes = new Uint8Array(all.reduce((sum, [, width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, width] of all) {
    if (width === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += width;
  }
  return bytes;
}
