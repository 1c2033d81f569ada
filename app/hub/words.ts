/** What is said of a model on the Hub in a line. Pure. */
import { formatBytes, formatCount } from "../../core/units.ts";
import type { HubModel } from "../../workers/api.ts";

const listed = (parts: readonly (string | null)[]) => parts.filter((part) => part !== null).join(" · ");

/** "text generation · 70.6 B · llama3.1 · changed 3 months ago · 1.2 M downloads" */
export function factsOf(model: HubModel, now = Date.now()): string {
  const { task, parameters, licence, updated, downloads } = model;
  return listed([
    task === null ? null : taskInWords(task),
    parameters === null ? null : formatCount(parameters),
    licence ?? "licence not stated",
    updated === null ? null : `changed ${agoInWords(Date.parse(updated), now)}`,
    downloads > 0 ? `${formatCount(downloads)} downloads` : null,
  ]);
}

export const sizeOf = ({ bytes }: HubModel): string | null =>
  bytes === null || bytes === 0 ? null : formatBytes(bytes);

export const taskInWords = (task: string): string => task.replaceAll("-", " ");

const DAY = 86_400_000;

/** "today", "3 weeks ago" */
export function agoInWords(then: number, now: number): string {
  const days = Math.max(0, Math.floor((now - then) / DAY));
  const ago = (count: number, unit: string) => `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  if (days === 0) return "today";
  if (days < 14) return ago(days, "day");
  if (days < 61) return ago(Math.floor(days / 7), "week");
  if (days < 730) return ago(Math.floor(days / 30.44), "month");
  return ago(Math.floor(days / 365.25), "year");
}

/** "12 s", "2 min" */
export const waitInWords = (milliseconds: number): string => {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
};
