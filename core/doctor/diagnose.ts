/**
 * Can these models merge? Answered from headers, configs and cards; no weight is read. What has to be read is in kin.ts.
 */
import type { Model } from "../model/model.ts";
import { buildFindings } from "./build.ts";
import { type Diagnosis, diagnosisOf } from "./finding.ts";
import { paperFindings } from "./papers.ts";
import { examine, type Wish } from "./patient.ts";
import { wordFindings } from "./words.ts";

/** @param models by the names the recipe uses; the base, or else the first, gives the result its config */
export function diagnose(models: ReadonlyMap<string, Model>, wish: Wish): Diagnosis {
  const patients = [...models].map(([ref, model]) => examine(ref, model));
  const lead = patients.find(({ ref }) => ref === wish.base) ?? patients[0];
  if (lead === undefined) return diagnosisOf([]);
  const others = patients.filter((one) => one !== lead);
  if (others.length === 0) return diagnosisOf(paperFindings([lead]));
  const built = buildFindings(lead, others, wish);
  // Models that have nothing in common need no word about their tokens.
  const strangers = built.some(({ topic, weight }) => topic === "family" && weight === "stop");
  return diagnosisOf([
    ...built,
    ...(strangers ? [] : wordFindings(lead, others, wish)),
    ...paperFindings([lead, ...others]),
  ]);
}
