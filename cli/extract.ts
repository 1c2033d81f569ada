/** `extract-lora MODEL BASE OUT_DIR`: the difference of two models as an adapter, matrix by matrix. */
import { basename, resolve } from "node:path";
import { extractAdapter } from "../core/extract/extract.ts";
import { writeAdapter } from "../core/extract/write.ts";
import { formatBytes, formatSeconds } from "../core/units.ts";
import type { Invocation } from "./args.ts";
import { diskFolder } from "./files.ts";
import { refuseToOverwrite } from "./merge.ts";
import { openModels, openProducts } from "./models.ts";
import { showLine } from "./progress.ts";

export async function extractCommand(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
  const [fineRef = "", baseRef = "", outPath = ""] = invocation.operands;
  const out = resolve(outPath);
  refuseToOverwrite(out, invocation.overwrite);
  const started = performance.now();
  const { models, close } = await openModels([fineRef, baseRef], null, { ...invocation, signal });
  const line = showLine();
  try {
    const [fine, base] = [models.get(fineRef)!, models.get(baseRef)!];
    const extraction = await extractAdapter(fine, base, {
      ...invocation.extract,
      products: await openProducts(),
      signal,
      onEvent: ({ tensor, done, total, readBytes, readTotal }) => {
        const seconds = (performance.now() - started) / 1000;
        const left = readBytes === 0 ? "" : `, ${formatSeconds((seconds / readBytes) * (readTotal - readBytes))} left`;
        line.show(`${formatBytes(readBytes)} of ${formatBytes(readTotal)}${left}  ${done}/${total} ${tensor}`);
      },
    });
    const title = basename(out);
    const made = `weightloom ${process.argv.slice(2).join(" ")}`;
    const bytes = await writeAdapter(extraction, fine, base, { folder: diskFolder(out), title, made, signal });
    line.clear();
    const seconds = (performance.now() - started) / 1000;
    const norm = Math.hypot(...extraction.modules.map((one) => one.norm));
    const rest = Math.hypot(...extraction.modules.map((one) => one.rest));
    const report = {
      out,
      bytes,
      seconds,
      /** Share of the matrices' difference that the updates leave, of Frobenius norms; null without matrices. */
      rest: norm === 0 ? null : rest / norm,
      saved: extraction.saved,
      biases: extraction.biases,
      left: extraction.left.length,
      notes: extraction.notes,
      modules: extraction.modules.map((one) => ({ ...one, rest: one.norm === 0 ? null : one.rest / one.norm })),
    };
    if (!invocation.json) print(report);
    return report;
  } finally {
    line.clear();
    await close();
  }
}

interface Report {
  readonly out: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly rest: number | null;
  readonly saved: readonly string[];
  readonly biases: number;
  readonly left: number;
  readonly notes: readonly string[];
  readonly modules: readonly { readonly module: string; readonly rank: number; readonly rest: number | null }[];
}

function print({ out, bytes, seconds, rest, saved, biases, left, notes, modules }: Report): void {
  for (const one of modules)
    console.log(`${one.module.padEnd(48)} rank ${String(one.rank).padStart(4)}  leaves ${percent(one.rest)}`);
  for (const module of saved) console.log(`${module.padEnd(48)} whole`);
  const also = biases === 0 ? "" : `, ${biases} biases`;
  console.log(
    `${modules.length} updates, which leave ${percent(rest)} of the difference, ${saved.length} whole modules${also}.`,
  );
  if (left > 0) console.log(`Left out by --include and --exclude: ${left} tensors.`);
  for (const note of notes) console.log(`note: ${note}`);
  console.log(`Wrote ${out}: ${formatBytes(bytes)} in ${formatSeconds(seconds)}.`);
}

const percent = (share: number | null) => (share === null ? "-" : `${(100 * share).toFixed(2)} %`);
