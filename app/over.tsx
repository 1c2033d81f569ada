/** What lies over the page, loaded when it is first wanted. */
import { lazy, Suspense } from "react";
import { useShown } from "./state/shown.ts";

const Palette = lazy(() => import("./actions/palette.tsx"));
const KeyboardMap = lazy(() => import("./actions/map.tsx"));
const Compare = lazy(() => import("./history/compare.tsx"));
const GlossarySheet = lazy(() => import("./help/sheet.tsx"));
const HubSheet = lazy(() => import("./hub/sheet.tsx"));
const PublishSheet = lazy(() => import("./hub/publish.tsx"));
const SharedDialog = lazy(() => import("./share/dialog.tsx"));
const Tour = lazy(() => import("./help/tour.tsx"));

export function Over() {
  const { over, tour, close } = useShown();
  return (
    <Suspense fallback={null}>
      {over?.kind === "palette" && <Palette onClose={close} />}
      {over?.kind === "keys" && <KeyboardMap onClose={close} />}
      {over?.kind === "compare" && <Compare before={over.before} onClose={close} />}
      {over?.kind === "glossary" && <GlossarySheet onClose={close} />}
      {over?.kind === "publish" && <PublishSheet left={over.left} onClose={close} />}
      {over?.kind === "hub" && <HubSheet onClose={close} />}
      {over?.kind === "shared" && <SharedDialog incoming={over.incoming} onClose={close} />}
      {over === null && tour !== null && <Tour step={tour} />}
    </Suspense>
  );
}
