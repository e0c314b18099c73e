"""Sentences of results in simplified Chinese: verdicts, learning curves, memory, attributions, importance, findings."""

from __future__ import annotations

__all__ = ["SENTENCES"]

PLACES = {
    "On the last {n} rows of each of {n_series} series": "在 {n_series} 条序列各自的最后 {n} 行",
    "On the last {n} rows": "在最后 {n} 行",
    "On the last row of each of {n_series} series": "在 {n_series} 条序列各自的最后一行",
    "On the last row": "在最后一行",
}
"""Where models were compared."""

JUDGEMENTS = {
    "the {s_model}'s {t_measure} is {n_size} % smaller than {t_baseline}.": (
        "{s_model}的{t_measure}比{t_baseline}小 {n_size} %。"
    ),
    "the {s_model}'s {t_measure} is about as large as {t_baseline}: it does no better here.": (
        "{s_model}的{t_measure}与{t_baseline}相当：在此并不更好。"
    ),
    "the {s_model} did not beat a simple forecast: its {t_measure} is {n_size} % larger than {t_baseline}.": (
        "{s_model}没有胜过简单预测：它的{t_measure}比{t_baseline}大 {n_size} %。"
    ),
    "the {s_model}'s {t_measure} is {n_size} % larger than {t_baseline}.": (
        "{s_model}的{t_measure}比{t_baseline}大 {n_size} %。"
    ),
    "both the {s_model} and the simple forecast {name} are exact up to rounding.": (
        "{s_model}与简单预测 {name} 的误差都只有舍入误差。"
    ),
    'the simple forecast makes no error at all, the {s_model} {mae} on average: prefer the simple one, model="{name}".': (
        '简单预测毫无误差，{s_model}平均误差为 {mae}：宜用简单预测 model="{name}"。'
    ),
    "no errors are known: the {s_model} could not be scored.": "没有已知的误差：{s_model}无法评分。",
}
"""How models compare."""

WHERE_JUDGED = {
    f"{place}{times} {judgement}": f"{place_zh}{times_zh}，{judgement_zh}"
    for place, place_zh in PLACES.items()
    for times, times_zh in ((", forecast {n_steps} at a time,", "，每次预测 {n_steps} 步"), ("", ""))
    for judgement, judgement_zh in JUDGEMENTS.items()
}

SHARES = {"": "", "of {n_zero} of the {n_series} series ": "（{n_series} 条序列中的 {n_zero} 条）"}
"""Which series have many zeros."""

RMSE = {
    "{n_rmse} % smaller than {t_base}": "比{t_base}小 {n_rmse} %",
    "{n_rmse} % larger than {t_base}": "比{t_base}大 {n_rmse} %",
    "about as large as {t_base}": "与{t_base}相当",
}

BIAS = {"{n_bias} % too high": "偏高 {n_bias} %", "{n_bias} % too low": "偏低 {n_bias} %", "right": "没有偏差"}

ZEROS = {
    f"Many values {which}are zero, and the absolute error favors forecasts near zero{tail}": (
        f"许多值{which_zh}为零，绝对误差偏向接近零的预测{tail_zh}"
    )
    for which, which_zh in SHARES.items()
    for tail, tail_zh in {
        ".": "。",
        **{
            f": the {{s_model}}'s root mean squared error is {rmse}, and its forecasts are {bias} on average.": (
                f"：{{s_model}}的均方根误差{rmse_zh}，预测平均{bias_zh}。"
            )
            for rmse, rmse_zh in RMSE.items()
            for bias, bias_zh in BIAS.items()
        },
        **{
            f": the {{s_model}}'s root mean squared error is {rmse}.": f"：{{s_model}}的均方根误差{rmse_zh}。"
            for rmse, rmse_zh in RMSE.items()
        },
        **{f": the forecasts are {bias} on average.": f"：预测平均{bias_zh}。" for bias, bias_zh in BIAS.items()},
    }.items()
} | {
    f"Many values {which}are zero; the forecasts are {bias} on average.": f"许多值{which_zh}为零；预测平均{bias_zh}。"
    for which, which_zh in SHARES.items()
    for bias, bias_zh in BIAS.items()
}
"""Sentences where many values are zero."""

VERDICT = {
    **WHERE_JUDGED,
    **ZEROS,
    'Prefer the simple forecast here, model="{name}", or provide more data.': (
        '在此宜用简单预测 model="{name}"，或提供更多数据。'
    ),
    'Prefer the latter here, model="{name}".': '在此宜用后者，model="{name}"。',
    "The {s_model} was better on all {n} series.": "{s_model}在全部 {n} 条序列上更好。",
    "The {s_model} was better on {n} of the {n_all} series.": "{s_model}在 {n_all} 条序列中的 {n} 条上更好。",
    "The {s_model} was better on all {n} series that were scored.": "{s_model}在全部 {n} 条已评分的序列上更好。",
    "The {s_model} was better on {n} of the {n_all} series that were scored.": (
        "{s_model}在 {n_all} 条已评分的序列中的 {n} 条上更好。"
    ),
    "The {s_model} was better in all {n} horizons.": "{s_model}在全部 {n} 个预测窗口中更好。",
    "The {s_model} was better in {n} of the {n_all} horizons.": "{s_model}在 {n_all} 个预测窗口中的 {n} 个更好。",
    "It does not forecast {n} of the values: there the forecasts of {s_model} count.": (
        "有 {n} 个值没有预测：在这些位置以{s_model}计。"
    ),
    "Not scored: {n} of the values, which no value of their series precedes.": (
        "有 {n} 个值未评分：其序列在此之前没有值。"
    ),
    "{model} alone would have erred {n} % less here; which model errs least changes from part to part, so models are weighted by their past errors.": (
        "单独使用 {model} 在此误差会小 {n} %；哪个模型误差最小因部分而异，因此按过去的误差给模型加权。"
    ),
    "Its {n} % interval held only {n_share} % of them: read it as too narrow.": (
        "它的 {n} % 区间只包含其中 {n_share} %：应视为过窄。"
    ),
    "Many values are zero.": "许多值为零。",
    "Many values of {n_zero} of the {n_series} series are zero.": "{n_series} 条序列中的 {n_zero} 条有许多值为零。",
    'Take point="mean" for the expected demand.': '要得到期望需求，请用 point="mean"。',
    "ensemble": "集成模型",
    "pretrained network": "预训练网络",
    "pretrained low-frequency network": "预训练低频网络",
    "seasonal naive forecast": "季节性朴素预测",
    "naive forecast": "朴素预测",
    "drift forecast": "漂移预测",
    "mean forecast": "均值预测",
    "naive": "朴素预测",
    "mean absolute error": "平均绝对误差",
    "mean absolute scaled error": "平均绝对标度误差",
    "mean absolute error (geometric mean over series)": "平均绝对误差（各序列的几何平均）",
    "root mean squared error": "均方根误差",
    "root mean squared scaled error": "均方根标度误差",
    "root mean squared error (geometric mean over series)": "均方根误差（各序列的几何平均）",
    "seasonal naive's (season {n})": "季节性朴素预测（季节 {n}）",
    "naive's (the last value)": "朴素预测（最后一个值）",
    "drift's (the line from first to last)": "漂移预测（首尾连线）",
    "the mean's": "均值预测",
    "seasonal naive's": "季节性朴素预测",
    "naive's": "朴素预测",
    "drift's": "漂移预测",
}

CURVES = {
    "It overfits from {t_step} of {n} on, as the validation error rises by {rise} from there while the training error falls: stop there, or {t_remedy}.": (
        "从{t_step}（共 {n}）起过拟合：验证误差从那里上升 {rise}，而训练误差下降。请在那里停止，或{t_remedy}。"
    ),
    "Training is unstable, as the validation error rises by {rise} from {t_step} of {n} on, and the training error rises too: lower the learning rate.": (
        "训练不稳定：验证误差从{t_step}（共 {n}）起上升 {rise}，训练误差也上升。请降低学习率。"
    ),
    "Training stopped in time, at {t_stop}, as the validation error rises by {rise} from {t_step} of {n} on: no change is needed.": (
        "训练在{t_stop}及时停止，因为验证误差从{t_step}（共 {n}）起上升 {rise}：无需改动。"
    ),
    "It memorizes, as the validation error never fell much below its start while the training error fell by {fall}: prefer a simple forecast, or take fewer {t_unit}, for example {steps}, or {t_remedy}.": (
        "网络只是记住了数据：验证误差几乎没有低于起点，而训练误差下降了 {fall}。宜用简单预测，或减少{t_unit}（例如 {steps}），或{t_remedy}。"
    ),
    "It underfits, as the validation error was still falling at the end, as fast as before: train for more {t_unit}, for example {steps}.": (
        "欠拟合：验证误差到最后仍以同样的速度下降。请增加{t_unit}，例如 {steps}。"
    ),
    "It underfits, as the validation error was still falling at the end, by {fall} in the last quarter: train for more {t_unit}, for example {steps}.": (
        "欠拟合：验证误差到最后仍在下降，最后四分之一下降了 {fall}。请增加{t_unit}，例如 {steps}。"
    ),
    "Next to nothing was learned, as neither the validation nor the training error fell: train for more {t_unit}, for example {steps}; if that changes nothing, the series has no pattern that it can learn.": (
        "几乎没有学到东西：验证误差和训练误差都没有下降。请增加{t_unit}，例如 {steps}；如果没有变化，说明序列没有可学的规律。"
    ),
    "The fit is good, as the validation error does not rise, but {gap} of it is missing from the training error: to narrow this gap, {t_remedy}.": (
        "拟合良好：验证误差没有上升，但训练误差比它小 {gap}。要缩小差距，{t_remedy}。"
    ),
    "The fit is good, as the validation error has leveled off and is not much larger than the training error: no change is needed.": (
        "拟合良好：验证误差已趋平稳，且没有比训练误差大多少，无需改动。"
    ),
    "Inconclusive: no validation error was measured.": "无法判断：没有测得验证误差。",
    "Provide more rows, or validation data.": "请提供更多行，或验证数据。",
    "Inconclusive: the validation error is not a number at the last step.": "无法判断：最后一步的验证误差不是数字。",
    "Inconclusive: the validation error is not a number at the last epoch.": "无法判断：最后一轮的验证误差不是数字。",
    "Check the data, or lower the learning rate.": "请检查数据，或降低学习率。",
    "Inconclusive: the training error is unknown.": "无法判断：训练误差未知。",
    "Provide more rows.": "请提供更多行。",
    "Inconclusive: the validation error is 0.": "无法判断：验证误差为 0。",
    "No change is needed.": "无需改动。",
    "Inconclusive: no series varies.": "无法判断：没有变化的序列。",
    "Inconclusive: the validation error was measured {times} only.": "无法判断：验证误差只测了很少几次（{times}）。",
    "Train for more {t_unit}.": "请增加{t_unit}。",
    "use fewer units, as {n} weights are trained on {n_values} values": "减少单元，因为 {n} 个权重只用 {n_values} 个值训练",
    "use dropout": "使用 dropout",
    "provide more data": "提供更多数据",
    "step {n}": "第 {n} 步",
    "epoch {n}": "第 {n} 轮",
    "steps": "训练步数",
    "epochs": "训练轮数",
}

MEMORY = {
    "{layer} has no gate that retains memory.": "{layer} 没有保留记忆的门。",
    "Half of the units of {layer} have a memory with a half-life of {t_median} or more; the longest is {t_longest}.": (
        "{layer} 有一半单元的记忆半衰期不短于 {t_median}；最长为 {t_longest}。"
    ),
    "infinitely many steps": "无穷多步",
    "{n} of {n_all} units are inactive: a smaller network would do as well.": (
        "{n_all} 个单元中有 {n} 个不活动：更小的网络也足够。"
    ),
    "Units that follow a signal: {signals}.": "跟随某个信号的单元：{signals}。",
}

ATTRIBUTIONS = {
    "For {time}, step {n}, {s_networks} forecast {forecast} ({t_number}); for a series that stayed at its newest level they would forecast {baseline}, a difference of {difference}.": (
        "对 {time}（第 {n} 步），{s_networks}的预测为 {forecast}（{t_number}）；若序列停留在最新水平，预测应为 {baseline}，相差 {difference}。"
    ),
    "The largest contributions: {contributions}.": "最大的贡献：{contributions}。",
    "None of their inputs matters.": "没有任何输入起作用。",
    "All contributions add up to the difference, within {error} % of their size.": "全部贡献之和等于这一差值，误差在其大小的 {error} % 以内。",
    "All contributions together are {total}: with this method they need not add up.": "全部贡献合计为 {total}：用这种方法不必相加等于差值。",
    "These networks have a weight of {weight} in the forecast; the other models are not explained.": (
        "这些网络在预测中的权重为 {weight}；其他模型不作解释。"
    ),
    "the {model} networks": "{model} 网络",
    "your own networks": "您自己的网络",
    "median": "中位数",
    "{q} quantile": "{q} 分位数",
    "Over {n} past cutoffs, with models that were fitted before the first, each column shuffled {n_repeats} times: the mean absolute error grows without {columns}.": (
        "在 {n} 个过去的截止点上（模型在第一个截止点之前拟合，每列打乱 {n_repeats} 次）：缺少以下各列时平均绝对误差会增加：{columns}。"
    ),
    "Over {n} past cutoffs, with models that were fitted before the first, each column shuffled {n_repeats} times: no column is needed.": (
        "在 {n} 个过去的截止点上（模型在第一个截止点之前拟合，每列打乱 {n_repeats} 次）：没有一列是必需的。"
    ),
    "No clear difference: {columns}.": "没有明显差别：{columns}。",
}

FINDINGS = {
    "Time column: '{time}', target: '{target}', frequency: {s_freq}; {n} points from {first} to {last}.": (
        "时间列：“{time}”，目标列：“{target}”，频率：{s_freq}；{n} 个点，从 {first} 到 {last}。"
    ),
    "Id column: '{id}', time column: '{time}', target: '{target}', frequency: {s_freq}; {n} series of {n_points} points from {first} to {last}.": (
        "序列标识列：“{id}”，时间列：“{time}”，目标列：“{target}”，频率：{s_freq}；{n} 条序列，每条 {n_points} 个点，从 {first} 到 {last}。"
    ),
    "{n} of {n_all} rows have no value.": "{n_all} 行中有 {n} 行没有值。",
    "{n} of {n_all} rows has no value.": "{n_all} 行中有 {n} 行没有值。",
}

SENTENCES = {**VERDICT, **CURVES, **MEMORY, **ATTRIBUTIONS, **FINDINGS}
"""Chinese sentences by the English ones."""
