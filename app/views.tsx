/** What the middle of the window can show: one row per view, in the order of the tabs. */
import { Tabs } from "radix-ui";
import { type ComponentType, lazy, Suspense, useEffect, useRef } from "react";
import { Mix } from "./mixer/view.tsx";
import { Welcome } from "./models/welcome.tsx";
import { ResultCard } from "./run/result.tsx";
import { useModels } from "./state/models.ts";
import { isRunning, useRun } from "./state/run.ts";
import { useUnfinished } from "./state/unfinished.ts";
import { useView } from "./state/view.ts";

interface Shown {
  readonly id: string;
  readonly title: string;
  readonly Content: ComponentType;
  /** Of use before a model is open. */
  readonly alone?: boolean;
}

const Unfinished = lazy(() => import("./run/unfinished.tsx"));
const Inspect = lazy(() => import("./inspect/view.tsx").then(({ Inspect }) => ({ default: Inspect })));

export const VIEWS: readonly Shown[] = [
  { id: "mix", title: "Mix", Content: Mix },
  { id: "stack", title: "Stack", Content: lazy(() => import("./stack/view.tsx")) },
  { id: "inspect", title: "Inspect", Content: Inspect },
  { id: "runs", title: "Runs", Content: lazy(() => import("./runs/view.tsx")), alone: true },
];

export function Views() {
  const { view, set } = useView();
  const now = VIEWS.find(({ id }) => id === view) ?? VIEWS[0]!;
  const content = useRef<HTMLDivElement>(null);
  const status = useRun((state) => state.status);
  // What came out of a merge stands at the top.
  useEffect(() => {
    if (status === "done" || status === "failed") content.current?.scrollTo(0, 0);
  }, [status]);
  const isEmpty = useModels((state) => state.list.length === 0 && state.opening.length === 0);
  return (
    <Tabs.Root className="views" value={now.id} onValueChange={(view) => set({ view })}>
      <Tabs.List className="tabs" aria-label="Views">
        {VIEWS.map(({ id, title }) => (
          <Tabs.Trigger key={id} className="tab" value={id}>
            {title}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <Tabs.Content ref={content} className="view" value={now.id} tabIndex={-1}>
        <ResultCard />
        <UnfinishedCards />
        {isEmpty && now.alone !== true ? (
          <Welcome />
        ) : (
          <Suspense fallback={<p className="quiet view-opening">Opening ...</p>}>
            <now.Content />
          </Suspense>
        )}
      </Tabs.Content>
    </Tabs.Root>
  );
}

function UnfinishedCards() {
  const some = useUnfinished(({ list }) => list.length > 0);
  const running = useRun(isRunning);
  return some && !running ? (
    <Suspense fallback={null}>
      <Unfinished />
    </Suspense>
  ) : null;
}
