// English and Chinese. Sentences about the data that the server writes stay English.

const EN = {
  skip: "Skip to the content", again: "New table", other: "中文", dark: "Dark", light: "Light",
  headline: "A table in, a forecast out",
  lead: "Times and values are enough: the rest is recognized, and you can correct it. Nothing leaves this server.",
  drop: "Drop a file here", formats: "CSV, Excel (.xlsx) or Parquet", choose: "Choose a file", example: "Try an example",
  paste: "Or paste cells, with their heading", use: "Use these cells", pasted: "Pasted cells",
  keyTitle: "This server asks for a key", keyLabel: "API key", keySend: "Continue", keyWrong: "The server does not know this key.",
  keyNote: "It is kept until this tab is closed, and sent to this server alone.", 
  understood: "What was understood", hint: "recognized. Change what is not right.", reading: "Reading the table …", read: "The table is read. {facts}",
  series: "{n} series", oneSeries: "1 series", rowsOf: "{n} rows", missing: "{n} missing", noMissing: "no gaps",
  sheet: "Sheet", firstSheet: "first with a table", time: "Time", target: "Value", ids: "Series named by", freq: "Frequency", season: "Season, in steps", horizon: "Steps ahead", levels: "Intervals", model: "Model",
  automatic: "recognized", unknown: "choose …", noIds: "none: a single series", wideIds: "none: a series for each column", allColumns: "all columns of numbers",
  none: "none", 
  freqs: { min: "minutes", "15min": "15 minutes", "30min": "half-hours", h: "hours", D: "days", B: "business days", W: "weeks", MS: "months", QS: "quarters", YS: "years" },
  models: {
    pretrained: "Pretrained network: at once", auto: "Best of many: trains", lstm: "LSTM: trains", gru: "GRU: trains", "es-lstm": "ES-LSTM: trains",
    dot: "Dynamic optimized theta", "seasonal-naive": "Seasonal naive", naive: "Naive", drift: "Drift", mean: "Mean", lgt: "Local and global trend", ar: "Autoregression",
    segrnn: "SegRNN: trains", slstm: "sLSTM: trains", rnn: "RNN: trains", "lstm-peephole": "LSTM with peepholes: trains",
  },
  more: "Other models",
  forecast: "Forecast", again2: "Forecast again", rows: "First rows of the table", 
  past: "The series", working: "Forecasting …", training: "Training", preparing: "Preparing the files", cancel: "Cancel", queued: "Waits for its turn",
  stageOf: "{stage}: {percent} %", started: "Begins …", cancelled: "Cancelled. Nothing was kept.",
  result: "Forecast", resultOf: "Forecast of {name}", done: "The forecast is there: {n} steps.",
  recent: "Newest", whole: "All of the past",
  actual: "Past", forecastLine: "Forecast", interval: "{level} % interval", values: "The values as a table", when: "Time",
  chartLabel: "Values of the chart: arrow keys go from step to step",
  scores: "How good on the newest rows", scoresNote: "The newest rows were held back and forecast from those before. Mean absolute error; shorter is better.",
  noScores: "The series are too short to hold rows back, so there are no scores.", error: "Error", modelName: "Model", 
  verdict: "On the newest rows, held back, the mean absolute error of {model} is {p} % {side} than that of the best simple forecast, {other}.", smaller: "smaller", larger: "larger",
  names: { SeasonalNaive: "Seasonal naive", Naive: "Naive", Drift: "Drift", Mean: "Mean", Pretrained: "Pretrained" },
  downloads: "Take it with you", csv: "CSV", xlsx: "Excel", report: "Report", modelFile: "Model",
  downloadsNote: "Report and model are made when you ask for them.",
  stored: "Stored on the server as {name}.", remove: "Delete it there", removed: "Deleted.", saved: "{name} is saved.",
  panel: "All series", find: "Find a series", last: "Newest value", next: "First step", total: "Sum of {h} steps", shown: "{shown} of {n} series", moreRows: "Show more", chooseSeries: "Series",
  attributions: "What the first step comes from", attributionsNote: "How much each past value adds to the first step of the forecast.", lag: "Steps back", added: "Adds", ago: "{n} back",
  gates: "Gates of the network", gate: "Gate", gatesNote: "A row is a unit, a column a step of the series. A forget gate near 1 keeps what the unit remembers.", low: "low", high: "high",
  gateNames: { f: "forget gate", i: "input gate", o: "output gate", g: "candidate", z: "update gate", r: "reset gate", n: "candidate", c: "memory cell", h: "output" },
  explaining: "Looking into the network …", 
  problem: "This cannot be used yet", where: "Where", got: "There is", expected: "Needed", fix: "What helps", retry: "Try again",
  lost: "The server does not answer. Trying again …", back: "The server is back. The work goes on.", backIdle: "The server is back.", gone: "The server no longer knows this work.", offer: "Begin again",
  unsupported: "The page cannot read this kind of file", unsupportedFix: "Save it as CSV, .xlsx or Parquet.", tooLarge: "The file is too large", tooLargeFix: "Send fewer rows, or start the server with a larger --max-body.", empty: "There is nothing to read", emptyFix: "Choose a file with rows, or paste cells.",
  resumed: "Going on with {name}, where you left it.", api: "API for programs", mb: "{n} MB",
};

const ZH = {
  skip: "跳到正文", again: "换一张表", other: "English", dark: "深色", light: "浅色",
  headline: "放入表格，得到预测",
  lead: "有时间和数值即可，其余自动识别，也可以更正。数据不会离开这台服务器。",
  drop: "把文件拖到这里", formats: "CSV、Excel（.xlsx）或 Parquet", choose: "选择文件", example: "试用示例",
  paste: "或粘贴带表头的单元格", use: "使用这些单元格", pasted: "粘贴的单元格",
  keyTitle: "此服务器需要密钥", keyLabel: "API 密钥", keySend: "继续", keyWrong: "服务器不认识这个密钥。",
  keyNote: "密钥只保留到此标签页关闭，并且只发送给此服务器。", 
  understood: "识别结果", hint: "为自动识别，不对的地方可以更改。", reading: "正在读取表格…", read: "表格已读取。{facts}",
  series: "{n} 条序列", oneSeries: "1 条序列", rowsOf: "{n} 行", missing: "{n} 个缺失", noMissing: "无缺失",
  sheet: "工作表", firstSheet: "第一个有表格的", time: "时间", target: "数值", ids: "序列名称", freq: "频率", season: "季节（步）", horizon: "预测步数", levels: "区间", model: "模型",
  automatic: "自动识别", unknown: "请选择…", noIds: "无：单条序列", wideIds: "无：每列一条序列", allColumns: "所有数值列",
  none: "无", 
  freqs: { min: "分钟", "15min": "15 分钟", "30min": "半小时", h: "小时", D: "天", B: "工作日", W: "周", MS: "月", QS: "季度", YS: "年" },
  models: {
    pretrained: "预训练网络：立即得到", auto: "多模型择优：需训练", lstm: "LSTM：需训练", gru: "GRU：需训练", "es-lstm": "ES-LSTM：需训练",
    dot: "动态优化 Theta", "seasonal-naive": "季节性朴素", naive: "朴素", drift: "漂移", mean: "均值", lgt: "局部与全局趋势", ar: "自回归",
    segrnn: "SegRNN：需训练", slstm: "sLSTM：需训练", rnn: "RNN：需训练", "lstm-peephole": "带窥孔的 LSTM：需训练",
  },
  more: "其他模型",
  forecast: "预测", again2: "重新预测", rows: "表格前几行", 
  past: "序列", working: "正在预测…", training: "正在训练", preparing: "正在准备文件", cancel: "取消", queued: "排队中",
  stageOf: "{stage}：{percent}%", started: "开始…", cancelled: "已取消，没有保留任何内容。",
  result: "预测", resultOf: "{name} 的预测", done: "预测完成：{n} 步。",
  recent: "最近", whole: "全部历史",
  actual: "历史", forecastLine: "预测", interval: "{level}% 区间", values: "以表格显示数值", when: "时间",
  chartLabel: "图中的数值：用方向键逐步查看",
  scores: "在最新数据上的表现", scoresNote: "留出最新的行，用此前的数据预测它们。平均绝对误差，越短越好。",
  noScores: "序列太短，无法留出数据，因此没有评分。", error: "误差", modelName: "模型", 
  verdict: "在留出的最新数据上，{model}的平均绝对误差比最好的简单预测（{other}）{side} {p}%。", smaller: "小", larger: "大",
  names: { SeasonalNaive: "季节性朴素", Naive: "朴素", Drift: "漂移", Mean: "均值", Pretrained: "预训练网络" },
  downloads: "下载", csv: "CSV", xlsx: "Excel", report: "报告", modelFile: "模型",
  downloadsNote: "报告和模型在您需要时生成。",
  stored: "已保存在服务器上：{name}。", remove: "从服务器删除", removed: "已删除。", saved: "{name} 已保存。",
  panel: "所有序列", find: "查找序列", last: "最新值", next: "第一步", total: "{h} 步合计", shown: "{n} 条序列中的 {shown} 条", moreRows: "显示更多", chooseSeries: "序列",
  attributions: "第一步预测的来源", attributionsNote: "每个过去的值对第一步预测的贡献。", lag: "往前步数", added: "贡献", ago: "往前 {n} 步",
  gates: "网络的门", gate: "门", gatesNote: "每行是一个单元，每列是序列的一步。遗忘门接近 1 时，单元保留记忆。", low: "低", high: "高",
  gateNames: { f: "遗忘门", i: "输入门", o: "输出门", g: "候选值", z: "更新门", r: "重置门", n: "候选值", c: "记忆单元", h: "输出" },
  explaining: "正在查看网络…", 
  problem: "暂时无法使用", where: "位置", got: "现有", expected: "需要", fix: "解决办法", retry: "重试",
  lost: "服务器没有响应，正在重试…", back: "服务器已恢复，工作继续进行。", backIdle: "服务器已恢复。", gone: "服务器已没有这项工作。", offer: "重新开始",
  unsupported: "页面无法读取这种文件", unsupportedFix: "请另存为 CSV、.xlsx 或 Parquet。", tooLarge: "文件太大", tooLargeFix: "请减少行数，或用更大的 --max-body 启动服务器。", empty: "没有可读取的内容", emptyFix: "请选择有数据的文件，或粘贴单元格。",
  resumed: "继续处理 {name}。", api: "程序接口（API）", mb: "{n} MB",
};

const ALL = { en: EN, zh: ZH };

function initial() {
  const saved = localStorage.getItem("gatecast-language");
  if (saved in ALL) return saved;
  for (const each of navigator.languages ?? [navigator.language]) {
    const short = each.slice(0, 2).toLowerCase();
    if (short in ALL) return short;
  }
  return "en";
}

export let language = initial();

export function setLanguage(name) {
  language = name;
  localStorage.setItem("gatecast-language", name);
}

export function t(key, values = {}) {
  const text = ALL[language][key] ?? EN[key] ?? key;
  return typeof text === "string" ? text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : text;
}

export function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
}

export const locale = () => (language === "zh" ? "zh-CN" : "en-GB");
export const count = (n) => new Intl.NumberFormat(locale()).format(n);

// Numbers of one chart or table have as many decimals as their size asks for.
export function numberFormat(values) {
  const largest = Math.max(0, ...values.filter(Number.isFinite).map(Math.abs));
  const isWhole = values.every((value) => !Number.isFinite(value) || Number.isInteger(value));
  const most = largest >= 1000 ? 0 : largest >= 100 ? 1 : largest >= 1 ? 2 : 4;
  // As many as the values have: ticks of 0.5 need no more.
  const digits = isWhole ? 0 : [...Array(most).keys()].find((k) => values.every((value) => !Number.isFinite(value) || Math.abs(value * 10 ** k - Math.round(value * 10 ** k)) < 1e-9)) ?? most;
  const format = new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return (value) => (Number.isFinite(value) ? format.format(value) : "–");
}
