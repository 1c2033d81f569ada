/**
 * Where a run begins: what the journal says is finished, as far as the folder still has it. A file that somebody removed
 * or cut since is written again, and what came after it too.
 */
import type { ByteSink, Folder } from "../bytes/sink.ts";
import type { Plan } from "../plan/plan.ts";
import { type Finished, NOTHING_FINISHED } from "./journal.ts";

export interface Beginning {
  /** Tensors of the plan that are written. */
  readonly tensors: number;
  /** Weight files that are closed. */
  readonly files: number;
  /** Bytes of all that is written. */
  readonly bytes: number;
  /** The next weight file, open behind its last finished tensor; null where it begins anew. */
  readonly sink: ByteSink | null;
  /** Checksums of the small files that are there. */
  readonly extras: ReadonlyMap<string, string>;
}

export async function beginningOf(plan: Plan, finished: Finished | undefined, folder: Folder): Promise<Beginning> {
  const none = { tensors: 0, files: 0, bytes: 0, sink: null, extras: new Map<string, string>() };
  if (finished === undefined || finished === NOTHING_FINISHED || folder.sizeOf === undefined) return none;
  let files = 0;
  let bytes = 0;
  for (const { name, size } of plan.files) {
    // Killed between closing a file and saying so, a run has told of the file's last tensor.
    const whole = files < finished.files || upTo(plan, files) <= finished.tensors;
    if (!whole || (await folder.sizeOf(name)) !== size) break;
    files++;
    bytes += size;
  }
  if (files === plan.files.length) {
    const { extras, size } = await smallFiles(plan, finished, folder);
    return { ...none, tensors: plan.tensors.length, files, bytes: bytes + size, extras };
  }
  const first = files === 0 ? 0 : upTo(plan, files - 1);
  const tensors = Math.min(finished.tensors, upTo(plan, files));
  const { name } = plan.files[files]!;
  const end = tensors > first ? plan.tensors[tensors - 1]!.output.range.end : 0;
  const sink = end === 0 ? null : ((await folder.reopen?.(name, end)) ?? null);
  if (sink === null) {
    // What a run left of it without telling.
    await folder.remove(name);
    return { ...none, tensors: first, files, bytes };
  }
  return { ...none, tensors, files, bytes: bytes + end, sink };
}

/** Tensors in the first files of the plan, file number `file` included. */
function upTo({ tensors }: Plan, file: number): number {
  const next = tensors.findIndex(({ output }) => output.file > file);
  return next < 0 ? tensors.length : next;
}

async function smallFiles(plan: Plan, finished: Finished, folder: Folder) {
  const extras = new Map<string, string>();
  let all = 0;
  for (const { name, content } of plan.extras) {
    const size = content instanceof Uint8Array ? content.length : content.size;
    const checksum = finished.extras.get(name);
    if (checksum === undefined || (await folder.sizeOf?.(name)) !== size) continue;
    extras.set(name, checksum);
    all += size;
  }
  return { extras, size: all };
}
