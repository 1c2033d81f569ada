import { crumbs } from "./gamma.ts";
import { vectorMethod } from "./vectors.ts";

export const breadcrumbs = vectorMethod({
  id: "breadcrumbs",
  title: "Breadcrumbs",
  summary: "Drops the largest and the smallest changes of each model, and adds up the middle.",
  use: "When single outliers or noise spoil a task vector; a density of 0.9 with a gamma of 0.01 is a usual start.",
  reference: "Davari & Belilovsky, ECCV 2024, arXiv:2312.06795",
  formula: [
    "d_i = model_i - base, sorted by magnitude",
    "dropped: the floor(gamma_i * count) largest, then the smallest until floor(density_i * count) are left",
    "result = base + lambda * sum_i weight_i d_i",
  ].join("\n"),
  ...crumbs,
  mix: "sum",
});
