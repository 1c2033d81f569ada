/** What the middle of the window can show: one row per view, in the order of the tabs. */
import { Tabs } from "radix-ui";
import { type ComponentType, lazy, Suspense } from "react";
import { Mix } from "./mixer/view.tsx";
import { useView } from "./state/view.ts";

interface Shown {
  readonly id: string;
  readonly title: string;
  readonly Content: ComponentType;
}

const Inspect = lazy(() => import("./inspect/view.tsx").then(({ Inspect }) => ({ default: Inspect })));

const VIEWS: readonly Shown[] = [
  { id: "mix", title: "Mix", Content: Mix },
  { id: "stack", title: "Stack", Content: lazy(() => import("./stack/view.tsx")) },
  { id: "inspect", title: "Inspect", Content: Inspect },
];

export function Views() {
  const { view, set } = useView();
  const now = VIEWS.find(({ id }) => id === view) ?? VIEWS[0]!;
  if (VIEWS.length === 1) return <now.Content />;
  return (
    <Tabs.Root className="views" value={now.id} onValueChange={(view) => set({ view })}>
      <Tabs.List className="tabs" aria-label="Views">
        {VIEWS.map(({ id, title }) => (
          <Tabs.Trigger key={id} className="tab" value={id}>
            {title}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <Tabs.Content className="view" value={now.id} tabIndex={-1}>
        <Suspense fallback={null}>
          <now.Content />
        </Suspense>
      </Tabs.Content>
    </Tabs.Root>
  );
}
