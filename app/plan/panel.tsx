/** The right side: what a merge would do, how it is written, and the button. */
import { ChevronDown } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useEffect, useState } from "react";
import { formatBytes, formatCount, formatSeconds } from "../../core/units.ts";
import type { PlanSummary } from "../../workers/api.ts";
import { Button } from "../controls/button.tsx";
import { Row, Select } from "../controls/choice.tsx";
import { NumberField } from "../controls/number.tsx";
import { entryOf } from "../help/glossary.ts";
import { canPickFiles, canPickFolders } from "../platform/pickers.ts";
import { freeSpace } from "../platform/space.ts";
import { startMerge } from "../run/start.ts";
import { setOutputType } from "../state/edits.ts";
import { useModels } from "../state/models.ts";
import { useOptions } from "../state/options.ts";
import { usePlan } from "../state/plan.ts";
import { isRunning, useRun } from "../state/run.ts";
import { useRuns } from "../state/runs.ts";
import { useStudio } from "../state/studio.ts";
import { Notes } from "./notes.tsx";
import { timeOf } from "./time.ts";
import { Vocabulary } from "./vocabulary.tsx";

const SHARDS = [
  { value: "1000000000", label: "1 GB" },
  { value: "2000000000", label: "2 GB" },
  { value: "5000000000", label: "5 GB" },
  { value: "10000000000", label: "10 GB" },
  { value: "one", label: "one file" },
] as const;
const TYPES = [
  { value: "keep", label: "as stored" },
  { value: "bfloat16", label: "BF16" },
  { value: "float16", label: "F16" },
  { value: "float32", label: "F32" },
] as const;
const ENGINES = [
  { value: "auto", label: "fastest" },
  { value: "gpu", label: "GPU" },
  { value: "cpu", label: "CPU" },
] as const;

export function PlanPanel() {
  const { plan, refusal, engine } = usePlan();
  const { options, setOptions } = useOptions();
  const running = useRun(isRunning);
  const recipe = useStudio((state) => state.recipe);
  const isMixture = useStudio((state) => state.moe !== null);
  const edit = useStudio((state) => state.edit);
  const wordless = useModels(({ list }) => list.length > 0 && list.every(({ summary }) => summary.family.wordless));
  const one = plan !== null && plan.files.length === 1;
  const runs = useRuns((state) => state.list);
  const time = plan === null ? null : timeOf(plan, recipe.merge_method, engine, runs ?? []);
  const space = useSpace(plan);
  return (
    <aside className="plan" aria-label="Plan">
      <h2>Plan</h2>
      {plan === null ? (
        <p className="quiet">
          {refusal === null
            ? "Open at least two models to see what a merge would do."
            : "There is nothing to plan yet; the verdict under the models says why."}
        </p>
      ) : (
        <dl>
          <Row name="Merged tensors" term="merged">
            {plan.merged.toLocaleString("en")}
          </Row>
          <Row name="Copied as they are" term="copied">
            {plan.copied.toLocaleString("en")}
          </Row>
          <Row name="Result">
            {formatCount(plan.parameters)}, {plan.layers} layers
          </Row>
          {plan.vocabulary !== null && (
            <Row name="Vocabulary" term="vocabulary">
              {plan.vocabulary.toLocaleString("en")} tokens
            </Row>
          )}
          <Row name="Read">{formatBytes(plan.readBytes)}</Row>
          <Row
            name={plan.files.length === 1 ? "Written, one file" : `Written, ${plan.files.length} shards`}
            {...(plan.files.length === 1 ? {} : { term: "shards" })}
          >
            {formatBytes(plan.writeBytes)}
          </Row>
          <Row name="Memory at most" term="memory">
            about {formatBytes(plan.memoryBytes)}
          </Row>
          {/* Always there: a row that came and went would move the button from under the pointer. */}
          <Row name="Time" help={time?.from ?? "How long it will take is known once the engine has been measured."}>
            {time !== null
              ? `about ${formatSeconds(Math.max(0.1, time.seconds))}`
              : engine === null
                ? "measuring ..."
                : "not known"}
          </Row>
          {space !== null && (
            <Row
              name="Private storage"
              help="What the browser can still keep. The result goes there first, then it is downloaded."
            >
              <span className={space < (plan?.writeBytes ?? 0) ? "plan-bad" : undefined}>
                {formatBytes(space)} free
              </span>
            </Row>
          )}
        </dl>
      )}
      <h2>Output</h2>
      <div className="output">
        <Select
          label="Weights in"
          disabled={isMixture}
          help={isMixture ? "The type of a mixture of experts is written in its recipe." : entryOf("dtype")?.means}
          value={recipe.out_dtype ?? recipe.dtype ?? "keep"}
          options={TYPES}
          onChange={(type) => edit((r) => setOutputType(r, type === "keep" ? null : type))}
        />
        <Select
          label="Shards of"
          help={entryOf("shard")?.means}
          value={options.shardBytes === null ? "one" : String(options.shardBytes)}
          options={SHARDS}
          onChange={(size) => setOptions({ shardBytes: size === "one" ? null : Number(size) })}
        />
        <Select
          label="Compute on"
          value={options.engine}
          options={ENGINES}
          onChange={(want) => setOptions({ engine: want })}
        />
        <NumberField
          label="Seed"
          help="Of methods that drop at random. The same seed gives the same bytes."
          value={options.seed}
          min={0}
          step={1}
          onChange={(seed) => setOptions({ seed: Math.round(seed) })}
        />
      </div>
      {!isMixture && !wordless && <Vocabulary />}
      <div className="merge">
        <Button look="primary" disabled={plan === null || running} onClick={() => void startMerge()}>
          {running ? "Merging ..." : "Merge"}
        </Button>
        <DropdownMenu.Root>
          <DropdownMenu.Trigger
            className="button button-primary merge-more"
            aria-label="Where to save"
            disabled={plan === null || running}
          >
            <ChevronDown size={16} aria-hidden />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
              <DropdownMenu.Item
                className="menu-item"
                disabled={!canPickFolders()}
                onSelect={() => void startMerge("folder")}
              >
                Merge to a folder ...
              </DropdownMenu.Item>
              <DropdownMenu.Item
                className="menu-item"
                disabled={!canPickFiles() || !one}
                onSelect={() => void startMerge("file")}
              >
                Merge to one file (weights only) ...
              </DropdownMenu.Item>
              <DropdownMenu.Item className="menu-item" onSelect={() => void startMerge("private")}>
                Merge, then download
              </DropdownMenu.Item>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      </div>
      <Notes />
    </aside>
  );
}

/** Bytes private storage can still take, where results go there; null elsewhere. */
function useSpace(plan: PlanSummary | null): number | null {
  const [space, setSpace] = useState<number | null>(null);
  useEffect(() => {
    let isMine = true;
    if (plan === null || canPickFolders()) setSpace(null);
    else void freeSpace().then((free) => isMine && setSpace(free));
    return () => {
      isMine = false;
    };
  }, [plan]);
  return space;
}
