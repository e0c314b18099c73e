// Tables as CSV and XLSX files that a page makes by itself: a workbook is a ZIP archive of XML, here without compression.
// A table is sheets, [name, rows]; a row has cells: {text}, {number}, or {text, serial}, a date as spreadsheets count it.
// CSV has the first sheet. The report page and the page of the server use it.
(() => {
  "use strict";
  const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  const crc = (bytes) => {
    let sum = 0xffffffff;
    for (const byte of bytes) sum = CRC[(sum ^ byte) & 255] ^ (sum >>> 8);
    return (sum ^ 0xffffffff) >>> 0;
  };
  const little = (...pairs) => {
    const bytes = [];
    for (const [value, n] of pairs) for (let k = 0; k < n; k++) bytes.push(Math.floor(value / 256 ** k) & 255);
    return Uint8Array.from(bytes);
  };
  const zip = (files) => {
    const parts = [], directory = [];
    let offset = 0;
    for (const [name, text] of files) {
      const title = new TextEncoder().encode(name), body = new TextEncoder().encode(text);
      // Version 2.0, names in UTF-8, stored; 1 January 2000, so that the same table is the same file.
      const facts = [[20, 2], [0x800, 2], [0, 2], [0, 2], [0x2821, 2], [crc(body), 4], [body.length, 4], [body.length, 4], [title.length, 2], [0, 2]];
      const head = little([0x04034b50, 4], ...facts);
      directory.push(little([0x02014b50, 4], [20, 2], ...facts, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), title);
      parts.push(head, title, body);
      offset += head.length + title.length + body.length;
    }
    const size = directory.reduce((sum, part) => sum + part.length, 0);
    const end = little([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2]);
    return [...parts, ...directory, end];
  };
  const BAD = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
  const xml = (text) => text.replace(BAD, "\ufffd").replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/\r/g, "&#13;");
  const letters = (k) => (k >= 26 ? letters(Math.floor(k / 26) - 1) : "") + String.fromCharCode(65 + k % 26);
  const cell = (value, place) => {
    if ("serial" in value && value.serial !== null) return `<c r="${place}" s="1"><v>${value.serial}</v></c>`;
    if ("text" in value) return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${xml(value.text)}</t></is></c>`;
    return Number.isFinite(value.number) ? `<c r="${place}"><v>${value.number}</v></c>` : "";
  };
  const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n', OPEN = "http://schemas.openxmlformats.org/";
  const MAIN = `${OPEN}spreadsheetml/2006/main`, OFFICE = `${OPEN}officeDocument/2006/relationships`;
  const sheet = (rows) => {
    const lines = [];
    for (const row of rows) {
      const n = lines.length + 1;
      lines.push(`<row r="${n}">${row.map((value, k) => cell(value, letters(k) + n)).join("")}</row>`);
    }
    return `${HEAD}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`
      + `<cols><col min="1" max="64" width="16" customWidth="1"/></cols><sheetData>${lines.join("")}</sheetData></worksheet>`;
  };
  const xlsx = (sheets, whole) => {
    const each = (write) => sheets.map(([name], k) => write(k + 1, name));
    const relation = (id, kind, target) => `<Relationship Id="rId${id}" Type="${OFFICE}/${kind}" Target="${target}"/>`;
    const relations = (...all) => `${HEAD}<Relationships xmlns="${OPEN}package/2006/relationships">${all.join("")}</Relationships>`;
    const part = (name, kind) => `<Override PartName="/xl/${name}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.${kind}+xml"/>`;
    return zip([
      ["[Content_Types].xml", `${HEAD}<Types xmlns="${OPEN}package/2006/content-types">`
        + '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + `${part("workbook", "sheet.main")}${each((k) => part(`worksheets/sheet${k}`, "worksheet")).join("")}${part("styles", "styles")}</Types>`],
      ["_rels/.rels", relations(relation(1, "officeDocument", "xl/workbook.xml"))],
      ["xl/workbook.xml", `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${each((k, name) => `<sheet name="${xml(name)}" sheetId="${k}" r:id="rId${k}"/>`).join("")}</sheets></workbook>`],
      ["xl/_rels/workbook.xml.rels", relations(...each((k) => relation(k, "worksheet", `worksheets/sheet${k}.xml`)), relation(sheets.length + 1, "styles", "styles.xml"))],
      ["xl/styles.xml", `${HEAD}<styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd${whole ? "" : "\\ hh:mm:ss"}"/></numFmts>`
        + '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
        + '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        + '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        + '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        + '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'],
      ...sheets.map(([, rows], k) => [`xl/worksheets/sheet${k + 1}.xml`, sheet(rows)]),
    ]);
  };

  // Text that a spreadsheet would take for a formula begins with an apostrophe, as --safe-csv writes it.
  const field = (value) => {
    if (!("text" in value)) return Number.isFinite(value.number) ? String(value.number) : "";
    // Full-width signs are those of East Asian keyboards, which spreadsheets read as the plain ones.
    const formula = !("serial" in value) && /^[\s\p{C}]*[=+\-@]|^[\t\r\n]/u.test(value.text.normalize("NFKC"));
    const text = formula ? `'${value.text}` : value.text;
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (rows) => {
    const lines = [];
    for (const row of rows) lines.push(row.map(field).join(",") + "\r\n");
    // The mark at the beginning tells spreadsheets that the text is UTF-8.
    return ["\ufeff", ...lines];
  };
  const make = (kind, sheets) => {
    if (kind === "csv") return new Blob(csv(sheets[0][1]), { type: "text/csv;charset=utf-8" });
    const all = sheets.map(([name, rows]) => [name, [...rows]]);
    const whole = all.every(([, rows]) => rows.every((row) => row.every((value) => !value.serial || value.serial % 1 === 0)));
    return new Blob(xlsx(all, whole), { type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" });
  };
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  window.gatecastFiles = { make, save };
})();
