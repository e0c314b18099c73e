"""Texts of a page in simplified Chinese, by the English ones: frame of the page, sections, and sentences of results."""

from __future__ import annotations

from gatecast.reporting.language.zh_sentences import SENTENCES

__all__ = ["TEXTS"]

PAGE = {
    "Skip to content": "跳到正文",
    "Dark": "深色",
    "Light": "浅色",
    "Use dark colors": "使用深色",
    "Use light colors": "使用浅色",
    "Sections": "章节",
    "Charts, files and the list of series need JavaScript.": "图表、文件和序列列表需要 JavaScript。",
    "Created by gatecast {version}. This page works offline.": "由 gatecast {version} 生成，本页可离线使用。",
    "Drag across a chart to zoom in, and double-click it to go back.": "在图上拖动可放大，双击还原。",
    "Find a series": "查找序列",
    "Order": "排序",
    "Series": "序列",
    "series": "序列",
    "Show more": "显示更多",
    "Select another series": "选择其他序列",
    "Download CSV": "下载 CSV",
    "Download XLSX": "下载 XLSX",
    "{n} of {n_all} series, {n_charted} with charts": "{n_all} 条序列中的 {n} 条，其中 {n_charted} 条有图",
    "{n_low} to {n_high}": "{n_low} 至 {n_high}",
    "forecast": "预测",
    "data": "数据",
    "model": "模型",
    "source": "来源",
    "created": "生成日期",
    "{t_steps}, {first} to {last}, {s_freq}": "{t_steps}，{first} 至 {last}，{s_freq}",
    "{t_rows} of {n} series, {first} to {last}": "{n} 条序列共 {t_rows}，{first} 至 {last}",
    "{target}: {t_steps} ahead": "{target}：预测未来 {t_steps}",
    "{target}: {t_steps} ahead, {n} series": "{target}：预测未来 {t_steps}，{n} 条序列",
    "{target}: backtest": "{target}：回测",
    "Report": "报告",
}

COUNTS = {
    "{n} step": "{n} 步",
    "{n} steps": "{n} 步",
    "{n} row": "{n} 行",
    "{n} rows": "{n} 行",
    "{n} gap": "{n} 处缺口",
    "{n} gaps": "{n} 处缺口",
    "{n} outlier": "{n} 个异常值",
    "{n} outliers": "{n} 个异常值",
    "{n} cutoff": "{n} 个截止点",
    "{n} cutoffs": "{n} 个截止点",
    "{n} test window": "{n} 个测试窗口",
    "{n} test windows": "{n} 个测试窗口",
    "{n} update": "{n} 次更新",
    "{n} updates": "{n} 次更新",
    "none": "无",
    "yes": "是",
    "no": "否",
    "monthly (MS)": "每月 (MS)",
    "monthly (ME)": "每月 (ME)",
    "daily (D)": "每日 (D)",
    "business daily (B)": "工作日 (B)",
    "hourly (h)": "每小时 (h)",
    "integer steps": "整数步",
    "weekly ({alias})": "每周 ({alias})",
    "quarterly ({alias})": "每季 ({alias})",
    "yearly ({alias})": "每年 ({alias})",
}

NAMES = {
    "seasonal naive": "季节性朴素预测",
    "last value": "最后一个值",
    "drift": "漂移预测",
    "mean": "均值",
    "history": "历史",
    "test": "测试",
    "value": "值",
    "missing": "缺失",
    "outlier": "异常值",
    "actual": "实际",
    "nominal": "名义",
    "{level} % interval": "{level} % 区间",
    "rows": "行数",
    "values": "值数",
    "skill": "提升",
    "bias": "偏差",
    "in {level} %": "{level} % 内",
    "worse on": "较差序列数",
    "coverage of {level} %": "{level} % 覆盖率",
    "horizon": "预测步数",
    "season": "季节",
    "time": "时间",
    "from": "开始",
    "to": "结束",
    "size": "大小",
    "small": "小",
    "medium": "中",
    "large": "大",
    "score": "得分",
    "percent": "百分比",
    "steps ahead": "预测步",
    "updates": "更新次数",
    "error": "误差",
    "training loss": "训练损失",
    "training error": "训练误差",
    "validation error": "验证误差",
    "loss, mean of {t_updates}": "损失，{t_updates}的平均",
    "overfitting begins": "开始过拟合",
    "overfitting would begin": "将开始过拟合",
    "units by half-life": "按半衰期排列的单元",
    "forget gate": "遗忘门",
    "input gate": "输入门",
    "output gate": "输出门",
    "candidate": "候选值",
    "update gate": "更新门",
    "reset gate": "重置门",
    "output h": "输出 h",
    "memory cell c": "记忆单元 c",
    "unit {n}": "单元 {n}",
    "largest error first": "误差从大到小",
    "smallest error first": "误差从小到大",
    "by name": "按名称",
    "selected first": "所选序列在前",
    "missing values": "缺失值",
    "outliers": "异常值",
    "the year before": "上一年",
    "the season before": "上一季节",
    "change": "变化",
    "setting": "设置",
    "best": "最佳",
    "trial": "试验",
    "best so far": "目前最佳",
    "seconds": "秒",
    "seconds to fit": "拟合用时（秒）",
    "frequency": "频率",
    "weight of {name}": "{name} 的权重",
    "kernels": "计算内核",
    "threads": "线程数",
    "network {n}": "网络 {n}",
    "validation objective": "验证目标",
    "layer": "层",
    "unit": "单元",
    "half_life": "半衰期",
    "dead": "不活动",
    "column": "列",
    "increase": "增加",
    "low": "下限",
    "high": "上限",
    "cutoff": "截止点",
    "test window": "测试窗口",
    "cutoff, the oldest first": "截止点，最早的在前",
    "test window, the oldest first": "测试窗口，最早的在前",
}

SUMMARY = {
    "Summary": "摘要",
    "Data": "数据",
    "Forecast": "预测",
    "Forecast by step": "逐步预测",
    "{name}: {t_rows}": "{name}：{t_rows}",
    "{name}: {t_rows}, from {low} to {high}, {t_outliers}, {t_gaps}.": (
        "{name}：{t_rows}，从 {low} 到 {high}，{t_outliers}，{t_gaps}。"
    ),
    "{name}: {t_rows}, {t_outliers}, {t_gaps}.": "{name}：{t_rows}，{t_outliers}，{t_gaps}。",
    "test, last {n} of {t_rows}": "测试，{t_rows}中的最后 {n} 行",
    "{name}: {t_rows}, forecast {n} at a time": "{name}：{t_rows}，每次预测 {n} 步",
    "Forecast of {name}, {t_steps}: from {first} to {last}, minimum {low}, maximum {high}.": (
        "{name} 的预测，{t_steps}：从 {first} 到 {last}，最小 {low}，最大 {high}。"
    ),
    "Forecast of {name}, {t_steps}: from {first} to {last}": "{name} 的预测，{t_steps}：从 {first} 到 {last}",
    "Known columns below: {names}.": "下方的已知列：{names}。",
    "Known columns that are constant here, or not drawn: {n}.": "此处不变或未画出的已知列：{n}。",
    "The files hold all steps with all digits.": "文件包含全部预测步，数字不作舍入。",
    "The files hold the forecasts of {n} of {n_all} series; gatecast predict writes all.": (
        "文件包含 {n_all} 条序列中 {n} 条的预测；gatecast predict 可写出全部预测。"
    ),
    "{n} of {t_rows}, in {t_gaps}": "{t_rows}中的 {n} 行，共 {t_gaps}",
    "The line shows the minimum and the maximum of every {n} rows.": "曲线显示每 {n} 行的最小值和最大值。",
    "An outlier differs from the values one season before and one season after by more than {n} robust standard deviations of the seasonal changes.": (
        "异常值与前一季节和后一季节的值之差，超过季节变化的 {n} 个稳健标准差。"
    ),
    "Outliers are marked, not changed.": "异常值只作标记，不作修改。",
    "Outliers: {n}": "异常值：{n}",
    "Outliers: {n}, the first {n_first}": "异常值：{n}，前 {n_first} 个",
    "Gaps: {n}": "缺口：{n}",
    "Gaps: {n}, the first {n_first}": "缺口：{n}，前 {n_first} 处",
    "{n} series, each with charts.": "{n} 条序列，每条都有图。",
    "{n} series, {n_charted} of them with charts: the largest and the smallest errors (MASE on the test part), and an even selection in between.": (
        "{n} 条序列，其中 {n_charted} 条有图：误差（测试部分的 MASE）最大和最小的，以及其间均匀选取的。"
    ),
    "The search finds every series by its name.": "可按名称查找每条序列。",
    "MASE {mase}, skill {skill}.": "MASE {mase}，提升 {skill}。",
    "{t_rows}.": "{t_rows}。",
    "Total of {t_steps}: {total} ({n_a} %: {n_b} to {n_c}).": "{t_steps}合计：{total}（{n_a} %：{n_b} 至 {n_c}）。",
    "Total of {t_steps}: {total} ({n_a} %: {n_b} to {n_c}; {n_d} %: {n_e} to {n_f}).": (
        "{t_steps}合计：{total}（{n_a} %：{n_b} 至 {n_c}；{n_d} %：{n_e} 至 {n_f}）。"
    ),
    "Total of {t_steps}: {total} ({intervals}).": "{t_steps}合计：{total}（{intervals}）。",
    "Total of {t_steps}: {total}.": "{t_steps}合计：{total}。",
    "This page has no {t_key} of {{series}}: it holds those of {n} of {n_all} series.": (
        "本页没有 {{series}} 的{t_key}：只包含 {n_all} 条序列中的 {n} 条。"
    ),
    "gates": "门",
    "memory": "记忆",
    "attributions": "归因",
    "In Python, {call} returns them for every series.": "在 Python 中，{call} 可返回每条序列的结果。",
    "There is no chart of the {t_key} of {name}: it has {t_rows}, fewer than the window of the network.": (
        "没有 {name} 的{t_key}图：它只有 {t_rows}，少于网络的窗口。"
    ),
    "There is no chart of the {t_key} of {name}: all of its values are missing.": (
        "没有 {name} 的{t_key}图：它的值全部缺失。"
    ),
}

TOTALS = {
    "Totals": "合计",
    "total of {t_steps}": "{t_steps}合计",
    "total of {t_steps} of {n} series": "{n} 条序列 {t_steps}合计",
    "change on the year before": "与上一年相比",
    "change on the season before": "与上一季节相比",
    "{n_low} % to {n_high} %": "{n_low} % 至 {n_high} %",
    "Forecast: {total}; observed a year before: {before}.": "预测：{total}；上一年同期实际：{before}。",
    "Forecast of the first {t_steps}: {total}; observed a year before: {before}.": (
        "前 {t_steps}的预测：{total}；上一年同期实际：{before}。"
    ),
    "Forecast of the {n} series that have these values: {total}; observed a year before: {before}.": (
        "有这些值的 {n} 条序列的预测：{total}；上一年同期实际：{before}。"
    ),
    "Forecast of the first {t_steps} of the {n} series that have these values: {total}; observed a year before: {before}.": (
        "有这些值的 {n} 条序列前 {t_steps}的预测：{total}；上一年同期实际：{before}。"
    ),
    "{t_head}; observed 52 weeks before, {t_lag}: {before}.": "{t_head}；52 周（{t_lag}）之前的实际值：{before}。",
    "{t_head}; observed {t_lag} before: {before}.": "{t_head}；{t_lag}之前的实际值：{before}。",
    "Forecast: {n}": "预测：{n}",
    "Forecast of the first {t_steps}: {total}": "前 {t_steps}的预测：{total}",
    "Forecast of the {n} series that have these values: {total}": "有这些值的 {n} 条序列的预测：{total}",
    "The total is the sum of the forecasts.": "合计是各预测值之和。",
    "Its intervals are quantiles of the sums of {n} sample paths, not sums of quantiles: errors last from step to step as past ones did.": (
        "区间取自 {n} 条样本路径之和的分位数，而不是分位数之和：误差像过去一样在各步之间延续。"
    ),
    "They are {n} times as wide as those of the paths, because sums of past errors were.": (
        "区间宽度是路径之和的 {n} 倍，因为过去误差之和更大。"
    ),
    "Errors of series that move together tell less than as many independent ones: intervals are {n} times as wide for that.": (
        "共同变动的序列的误差所含信息少于同样多的独立误差：区间为此加宽至 {n} 倍。"
    ),
    "Half of the sums are above {value}.": "一半的路径之和高于 {value}。",
    "Errors of different series are as alike as past ones were.": "不同序列的误差像过去一样相关。",
    "Errors of different series correlate by {value}, estimated on the test part and on the changes of the series.": (
        "不同序列的误差相关系数为 {value}，由测试部分的误差和各序列的变化估计。"
    ),
    "Errors of different series are assumed to correlate by {value}, as the changes of the series do: no past errors of these series are known.": (
        "假定不同序列的误差相关系数为 {value}，与各序列变化的相关系数相同：这些序列没有已知的历史误差。"
    ),
    "Series without a forecast, which are not in the total: {n}.": "没有预测、未计入合计的序列：{n}。",
    "The series end at different times, so there is no total of a single time.": "各序列结束时间不同，因此没有单个时间的合计。",
    "Total of {n} series by step": "{n} 条序列的逐步合计",
    "{t_title}: from {first} to {last}, minimum {low}, maximum {high}.": "{t_title}：从 {first} 到 {last}，最小 {low}，最大 {high}。",
}

SCORES = {
    "Comparison with baselines": "与简单预测比较",
    "Skill compared with {t_baseline}": "相对于{t_baseline}的提升",
    "Skill compared with {t_baseline}: {scores}.": "相对于{t_baseline}的提升：{scores}。",
    "reduction of the error, percent": "误差减少的百分比",
    "Scores on the last {t_test}, forecast {n} at a time by models trained on the {t_train} before them only.": (
        "最后 {t_test}的评分，每次预测 {n} 步，模型只用此前的 {t_train}训练。"
    ),
    "Errors on the test part": "测试部分的误差",
    "Prediction intervals": "预测区间",
    "Coverage of the intervals": "区间覆盖率",
    "percent of the test values": "测试值的百分比",
    "Share of the test values inside the intervals: {a} in the {b} interval.": "落在区间内的测试值比例：{b} 区间为 {a}。",
    "Share of the test values inside the intervals: {a} in the {b} interval, {c} in the {d} interval.": (
        "落在区间内的测试值比例：{b} 区间为 {a}，{d} 区间为 {c}。"
    ),
    "Coverage by step ahead": "各预测步的覆盖率",
    "Dashed lines: nominal coverage.": "虚线：名义覆盖率。",
    "With few values per step, coverage is uncertain.": "每步的值较少时，覆盖率并不确定。",
    "Backtest": "回测",
    "Mean absolute error by {t_noun}": "各{t_noun}的平均绝对误差",
    "Errors by {t_noun}": "按{t_noun}的误差",
    "{model} has a smaller error than {t_baseline} in {n} of {t_count}.": "在 {t_count}中的 {n} 个，{model} 的误差小于{t_baseline}。",
    "Errors": "误差",
    "On the test part the forecasts of the {model} add up to {n} % more than the actual values.": (
        "在测试部分，{model} 的预测之和比实际值之和高 {n} %。"
    ),
    "On the test part the forecasts of the {model} add up to {n} % less than the actual values.": (
        "在测试部分，{model} 的预测之和比实际值之和低 {n} %。"
    ),
    "On the test part the sum of the forecasts of the {model} equals that of the actual values.": (
        "在测试部分，{model} 的预测之和与实际值之和相等。"
    ),
    "The actual values of the test part are zero: the bias of the {model} has no percentage.": (
        "测试部分的实际值为零：{model} 的偏差没有百分比。"
    ),
    "Errors on the test part: forecast less actual value": "测试部分的误差：预测减实际",
    "Errors on the test part: {n} too high, {n_low} too low, from {a} to {b}.": (
        "测试部分的误差：{n} 个偏高，{n_low} 个偏低，从 {a} 到 {b}。"
    ),
    "Above zero the forecast was too high.": "零线以上表示预测偏高。",
    "Error by step ahead": "各预测步的误差",
    "Errors by size: thirds of the actual values of the test part": "按大小的误差：测试部分实际值的三等分",
    "Errors by size: thirds of the series by their mean value": "按大小的误差：按均值三等分的序列",
    "Forecast no better than by {t_baseline}: {n} of {n_all} series.": "不优于{t_baseline}的序列：{n_all} 条中的 {n} 条。",
    "Forecast better than by {t_baseline}: all series of which this is known.": "可以比较的序列都优于{t_baseline}。",
    "Errors by {column}": "按 {column} 的误差",
    "Series whose skill is unknown: {n}.": "提升未知的序列：{n}。",
    "Series without skill: {n}": "没有提升的序列：{n}",
    "Series without skill: {n}, the {n_worst} worst": "没有提升的序列：{n}，列出最差的 {n_worst} 条",
    "Anomalies": "异常",
    "Anomalies: {n}": "异常：{n}",
    "Anomalies: {n}, the {n_first} farthest": "异常：{n}，列出偏离最远的 {n_first} 个",
    "{n} of {n_all} values are outside the {n_level} % interval of a forecast that had not seen them; by chance alone about {n_usual} would be.": (
        "{n_all} 个值中有 {n} 个落在未见过它们的预测的 {n_level} % 区间之外；仅凭偶然约有 {n_usual} 个。"
    ),
    "The score is the distance in half-widths of the interval.": "得分是以区间半宽计的距离。",
}

NETWORKS = {
    "Learning curves": "学习曲线",
    "Gates and states": "门与状态",
    "Each row is a unit, the longest memory at the top; each column is a step of the series above.": (
        "每一行是一个单元，记忆最长的在最上面；每一列是上方序列的一步。"
    ),
    "A forget gate near 1 keeps the memory of a unit, a forget gate near 0 erases it.": (
        "遗忘门接近 1 时保留单元的记忆，接近 0 时清除。"
    ),
    "Layer and gate": "层与门",
    "{layer}: {t_gate}": "{layer}：{t_gate}",
    "{layer}, {t_gate}": "{layer}，{t_gate}",
    "{t_gate} of {n} units of {layer} over {t_steps}, below the series.": "{layer} 的 {n} 个单元在 {t_steps}中的{t_gate}，位于序列下方。",
    "Memory of the units": "单元的记忆",
    "Layer": "层",
    "Half-lives of the units of {layer}": "{layer} 各单元的半衰期",
    "units, the longest memory first": "单元，记忆最长的在前",
    "half-life in steps": "半衰期（步）",
    "Half-lives of {layer}: from {a} to {b} steps, median {c}.": "{layer} 的半衰期：从 {a} 到 {b} 步，中位数 {c}。",
    "All units": "全部单元",
    "Attributions": "归因",
    "Attribution by lag": "按滞后的归因",
    "Attribution by column": "按列的归因",
    "steps relative to the first step ahead": "相对于第一个预测步的步数",
    "added to the forecast": "对预测的贡献",
    "All attributions": "全部归因",
    "Permutation importance": "置换重要性",
    "Increase of the error when a column is permuted": "打乱一列后误差的增加",
    "All columns": "全部列",
}

SELECTION = {
    "Model comparison": "模型比较",
    "{metric} of each model": "各模型的 {metric}",
    "{metric}, smaller is better": "{metric}，越小越好",
    "Scores over all windows and series": "所有窗口和序列的评分",
    "Error and time": "误差与时间",
    "Lower is more accurate, further left is faster.": "越低越准确，越靠左越快。",
    "Memory benchmark": "记忆基准测试",
    "Hyperparameter search": "超参数搜索",
    "Trials": "试验",
    "Importance of the settings": "设置的重要性",
    "All trials": "全部试验",
    "Reproducibility": "可复现性",
    "The same data, settings, versions and kernels give the same numbers, to the last bit.": (
        "数据、设置、版本和计算内核相同，结果就逐位相同。"
    ),
    "Settings of the networks": "网络的设置",
}

TEXTS = {
    **PAGE,
    **COUNTS,
    **NAMES,
    **SUMMARY,
    **TOTALS,
    **SCORES,
    **NETWORKS,
    **SELECTION,
    **SENTENCES,
}
"""Chinese texts by the English ones, the more particular patterns first."""
