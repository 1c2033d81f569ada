/** `--profile`: where a merge's time went, as a table on standard error. */
import { ACTIVITIES, type Profile } from "../core/clock.ts";
import { formatBytes } from "../core/units.ts";

export function profileTable({ seconds, between, activities, sweeps }: Profile): string {
  const lines = [
    ["", "seconds", "of the time", "alone", "side by side", "times", "bytes", "per second"],
    ...activities.map((one) => [
      ACTIVITIES[one.activity],
      one.seconds.toFixed(2),
      percent(one.seconds / seconds),
      percent(one.alone / seconds),
      one.seconds > 0 ? (one.total / one.seconds).toFixed(1) : "",
      one.times.toLocaleString("en"),
      one.bytes === 0 ? "" : formatBytes(one.bytes),
      one.bytes === 0 || one.seconds === 0 ? "" : `${formatBytes(Math.round(one.bytes / one.seconds))}/s`,
    ]),
    ["nothing of these", between.toFixed(2), percent(between / seconds), "", "", "", "", ""],
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const table = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  "),
  );
  const perSweep = sweeps
    .filter((one) => one.seconds > 0)
    .map(
      (one) =>
        `sweep ${one.sweep + 1}: ${one.seconds.toFixed(2)} s of one lane, ${((one.seconds * 1e9) / one.elements).toFixed(1)} ns per element`,
    );
  return [`${seconds.toFixed(2)} s in all`, ...table, ...perSweep].join("\n");
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;
