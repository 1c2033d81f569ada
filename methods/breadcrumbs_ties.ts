import { crumbs } from "./gamma.ts";
import { vectorMethod } from "./vectors.ts";

export const breadcrumbsTies = vectorMethod({
  id: "breadcrumbs_ties",
  title: "Breadcrumbs-TIES",
  summary: "Drops the largest and the smallest changes of each model, then elects a sign per weight as TIES does.",
  use: "Breadcrumbs for models that pull in opposite directions.",
  reference: "Davari & Belilovsky, ECCV 2024, arXiv:2312.06795, with TIES' sign election",
  formula: [
    "d_i = model_i - base, sorted by magnitude",
    "dropped: the floor(gamma_i * count) largest, then the smallest until floor(density_i * count) are left",
    "e = 1 where sum_i weight_i d_i >= 0, else -1",
    "result = base + lambda * (sum of the weight_i d_i whose sign is e)",
  ].join("\n"),
  ...crumbs,
  mix: "elect",
});
