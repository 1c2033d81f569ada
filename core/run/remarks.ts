/** Numbers that methods had watched, collected over tensors, and the sentences they make of them. */
import type { Settlement } from "../graph/settle.ts";
import type { AnyMethod, Remark } from "../method.ts";
import type { MergePlan } from "../plan/plan.ts";

/** By the id given to `watch`. */
export type Seen = Map<string, { readonly tensor: string; readonly value: number }[]>;

/** To be called when the tensor's passes are settled. */
export function collectWatched({ name, watched }: MergePlan, settlement: Settlement, seen: Seen): void {
  for (const { id, value } of watched) {
    const values = seen.get(id) ?? [];
    seen.set(id, values);
    values.push({ tensor: name, value: settlement.value(value) });
  }
}

/** What the method says of them. */
export function remarksOf(method: Pick<AnyMethod, "remarks">, seen: Seen): string[] {
  return Object.entries<Remark>(method.remarks ?? {}).flatMap(([id, remark]) => {
    const values = seen.get(id) ?? [];
    return values.length === 0 ? [] : (remark(values) ?? []);
  });
}

/** What a report says of the tiles that were computed twice; nothing where none were. */
export function agreementOf(checked: number | null): string[] {
  if (checked === null || checked === 0) return [];
  return [
    `The GPU and the CPU agree on ${checked === 1 ? "the tile" : `all ${checked.toLocaleString("en")} tiles`} that both computed.`,
  ];
}
