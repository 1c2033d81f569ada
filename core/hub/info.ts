/** What the Hub says of a model, from the one shape its library returns to the one shown here; nothing of it is believed to be there. */

export interface HubModel {
  /** "org/name", as the Hub spells it. */
  readonly repo: string;
  /** "text-generation", or null. */
  readonly task: string | null;
  /** Elements of its safetensors files, or null when the Hub has not counted. */
  readonly parameters: number | null;
  /** Bytes of its safetensors files by their types, or null. */
  readonly bytes: number | null;
  readonly licence: string | null;
  /** Null: open; else who opens it: everybody who agrees, or the authors one by one. */
  readonly gated: "auto" | "manual" | null;
  readonly private: boolean;
  /** Date of the last change, ISO 8601, or null. */
  readonly updated: string | null;
  readonly downloads: number;
  readonly likes: number;
}

export interface HubInfo extends HubModel {
  /** The commit that the revision asked for is at: 40 hexadecimal digits. */
  readonly commit: string;
}

/** Asked of the Hub besides what the library always asks. */
export const FIELDS = ["cardData", "safetensors", "tags", "sha"] as const;

/** As it comes: every part may be missing or of another kind. */
export interface RawModel {
  readonly name: string;
  readonly private?: unknown;
  readonly task?: unknown;
  readonly gated?: unknown;
  readonly likes?: unknown;
  readonly downloads?: unknown;
  readonly updatedAt?: unknown;
  readonly cardData?: unknown;
  readonly safetensors?: unknown;
  readonly tags?: unknown;
}

export function modelOf(raw: RawModel): HubModel {
  const counts = countsIn(raw.safetensors);
  const updated = raw.updatedAt instanceof Date && !Number.isNaN(raw.updatedAt.getTime()) ? raw.updatedAt : null;
  return {
    repo: String(raw.name),
    task: text(raw.task),
    parameters: counts?.parameters ?? null,
    bytes: counts?.bytes ?? null,
    licence: licenceOf(raw.cardData, raw.tags),
    gated: raw.gated === "auto" || raw.gated === "manual" ? raw.gated : null,
    private: raw.private === true,
    updated: updated?.toISOString() ?? null,
    downloads: number(raw.downloads),
    likes: number(raw.likes),
  };
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
const number = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const fields = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** `{parameters: {BF16: n, ...}, total: n}` */
function countsIn(safetensors: unknown): { parameters: number; bytes: number } | null {
  const { parameters, total } = fields(safetensors);
  const types = Object.entries(fields(parameters)).filter(([, count]) => number(count) > 0);
  if (types.length === 0) return typeof total === "number" ? { parameters: total, bytes: 0 } : null;
  const width = (type: string) => Number(/(\d+)/.exec(type)?.[1] ?? 8) / 8;
  return {
    parameters: types.reduce((sum, [, count]) => sum + number(count), 0),
    bytes: types.reduce((sum, [type, count]) => sum + width(type) * number(count), 0),
  };
}

function licenceOf(card: unknown, tags: unknown): string | null {
  const { license, license_name: named } = fields(card);
  const [said] = Array.isArray(license) ? license : [license];
  if (said === "other") return text(named) ?? "other";
  if (typeof said === "string" && said !== "") return said;
  const tag = (Array.isArray(tags) ? tags : []).find((one) => typeof one === "string" && one.startsWith("license:"));
  return typeof tag === "string" ? tag.slice("license:".length) : null;
}
