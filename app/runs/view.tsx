/** The merges made here: what of, how long, how large, whether the check was content; and what can be done again. */
import { ChevronRight, CircleCheck, CircleSlash, CircleX, MoreHorizontal } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useEffect } from "react";
import { formatBytes, formatSeconds } from "../../core/units.ts";
import { METHODS } from "../../methods/index.ts";
import { Button } from "../controls/button.tsx";
import { Figure } from "../controls/figure.tsx";
import { whenOf } from "../history/versions.tsx";
import { startMerge } from "../run/start.ts";
import { say } from "../state/messages.ts";
import { summaryOf } from "../state/models.ts";
import { isRunning, useRun } from "../state/run.ts";
import { forgetRun, forgetRuns, type RunRecord, readRuns, useRuns } from "../state/runs.ts";
import { UNDO, useStudio } from "../state/studio.ts";
import { openResult, publish } from "./result.ts";

export default function Runs() {
  const list = useRuns((state) => state.list);
  useEffect(() => void readRuns(), []);
  if (list === null) return <p className="runs-none quiet">Reading the history ...</p>;
  if (list.length === 0) {
    return (
      <section className="runs-none" aria-label="Merges made here">
        <h2>No merge was made here yet</h2>
        <p className="quiet">
          Each merge is written down with its recipe, its models, how long it took and what the check of the files said,
          so that it can be made again or opened as a model.
        </p>
      </section>
    );
  }
  return (
    <section className="runs" aria-label="Merges made here">
      <header>
        <h2>{list.length === 1 ? "One merge" : `${list.length} merges`}, newest first</h2>
        <Button look="ghost" onClick={() => void forgetRuns()}>
          Clear the list
        </Button>
      </header>
      <ul>
        {list.map((run) => (
          <Row key={run.id} run={run} />
        ))}
      </ul>
    </section>
  );
}

/** The document becomes that of the run: a step that can be undone. */
function takeRecipe(run: RunRecord): void {
  useStudio.getState().restore(run.kept);
  say("info", "The mix is that of the merge again.", UNDO);
}

async function again(run: RunRecord): Promise<void> {
  const missing = run.models.filter((name) => summaryOf(name) === undefined);
  if (missing.length > 0) {
    const [one] = missing;
    const what = missing.length === 1 ? `${one} is not open` : `${missing.join(", ")} are not open`;
    say("error", `${what}. Add ${missing.length === 1 ? "it" : "them"} under the same name, then merge again.`);
    return;
  }
  useStudio.getState().restore(run.kept);
  await startMerge();
}

function Row({ run }: { readonly run: RunRecord }) {
  const { outcome, kept } = run;
  const running = useRun(isRunning);
  const method = kept.moe === null ? (METHODS.get(kept.recipe.merge_method)?.title ?? kept.recipe.merge_method) : "MoE";
  const checks = outcome.kind === "done" ? outcome.checks : [];
  return (
    <li className="run">
      <div className="run-what">
        <h3>{kept.title}</h3>
        <p className="quiet">
          {whenOf(run.at)} · {method} · {run.models.join(", ")}
        </p>
        <Verdict run={run} />
        {checks.length > 0 && (
          <details className="about">
            <summary>
              <ChevronRight className="about-mark" size={14} aria-hidden /> What was checked
            </summary>
            <ul className="checks">
              {checks.map(({ ok, text }) => (
                <li key={text} className={ok ? "" : "check-bad"}>
                  {ok ? <CircleCheck size={14} aria-label="good" /> : <CircleX size={14} aria-label="wrong" />} {text}
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
      {outcome.kind === "done" && (
        <dl className="run-figures">
          <Figure name="written" value={formatBytes(outcome.bytes)} />
          <Figure name="time" value={formatSeconds(outcome.seconds)} />
          <Figure name="engine" value={outcome.engine} />
        </dl>
      )}
      <div className="run-do">
        {outcome.kind === "done" && (
          <Button onClick={() => void openResult({ title: kept.title, ...outcome })}>Open as a model</Button>
        )}
        <Button disabled={running} onClick={() => void again(run)}>
          Merge again
        </Button>
        <DropdownMenu.Root>
          <DropdownMenu.Trigger className="button button-icon" aria-label={`More for the merge ${kept.title}`}>
            <MoreHorizontal size={16} aria-hidden />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
              <DropdownMenu.Item className="menu-item" onSelect={() => takeRecipe(run)}>
                Use its recipe
              </DropdownMenu.Item>
              {outcome.kind === "done" && outcome.target.kind !== "file" && (
                <DropdownMenu.Item className="menu-item" onSelect={() => publish({ title: kept.title, ...outcome })}>
                  Publish to the Hub
                </DropdownMenu.Item>
              )}
              <DropdownMenu.Item className="menu-item" onSelect={() => void forgetRun(run.id)}>
                Remove from the list
              </DropdownMenu.Item>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      </div>
    </li>
  );
}

function Verdict({ run: { outcome } }: { readonly run: RunRecord }) {
  if (outcome.kind === "cancelled")
    return (
      <p className="run-verdict quiet">
        <CircleSlash size={14} aria-hidden /> Cancelled
      </p>
    );
  if (outcome.kind === "failed")
    return (
      <p className="run-verdict run-bad">
        <CircleX size={14} aria-hidden /> Failed: {outcome.error}
      </p>
    );
  return outcome.ok ? (
    <p className="run-verdict run-good">
      <CircleCheck size={14} aria-hidden /> Checked, everything as planned
    </p>
  ) : (
    <p className="run-verdict run-bad">
      <CircleX size={14} aria-hidden /> The check found something wrong
    </p>
  );
}
