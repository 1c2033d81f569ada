/** Sizes, counts and durations as people read them, and back. Bytes are decimal: 1 GB = 1e9 bytes. */
import { WeightloomError } from "./errors.ts";

const STEPS = ["", "K", "M", "G", "T"] as const;

/** 15_231_233_024 -> "15.2 GB". */
export function formatBytes(bytes: number): string {
  const step = Math.min(STEPS.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return step === 0 ? `${bytes} B` : `${threeDigits(bytes / 1000 ** step)} ${STEPS[step]}B`;
}

/** 7_615_616_512 -> "7.62 B", 850_000 -> "850 K". */
export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  const step = Math.min(3, Math.floor(Math.log10(count) / 3));
  return `${threeDigits(count / 1000 ** step)} ${["", "K", "M", "B"][step]}`;
}

/** 7_615_616_512 -> "7,615,616,512", without the tables of all languages, which take 12 ms to load. */
export function formatWhole(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 83 -> "1 min 23 s". */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * "5GB", "500 MB", "2GiB", "1048576" -> bytes.
 * @throws RecipeError naming what was given and what is understood
 */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*$/i.exec(text);
  if (match === null) {
    throw new WeightloomError(
      "RecipeError",
      `"${text}" is not a size. Write a number of bytes, or one with a unit: 500MB, 5GB, 2GiB.`,
    );
  }
  const [, digits = "0", unit = "", binary = ""] = match;
  const power = STEPS.indexOf(unit.toUpperCase() as (typeof STEPS)[number]);
  return Math.round(Number(digits) * (binary === "" ? 1000 : 1024) ** power);
}

const threeDigits = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
