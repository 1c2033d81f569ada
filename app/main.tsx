import "../workers/trusted.ts";
import "@fontsource-variable/inter";
import "./style/tokens.css";
import "./style/controls.css";
import "./style/panels.css";
import "./style/mixer.css";
import "./style/models.css";
import "./style/doctor.css";
import "./style/history.css";
import "./style/over.css";
import "./style/runs.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { offerTour } from "./help/first.ts";
import { returnedFromHub } from "./hub/returned.ts";
import { keepOffline } from "./platform/offline.ts";
import { keepGivingWay } from "./run/way.ts";
import { watchAddress } from "./share/incoming.ts";
import { keepDiagnosing } from "./state/doctor.ts";
import { useModels } from "./state/models.ts";
import { keepPlanning, learnEngine } from "./state/plan.ts";
import { keepRuns } from "./state/runs.ts";
import { restore } from "./state/session.ts";
import { readUnfinished } from "./state/unfinished.ts";
import { applyTheme } from "./state/view.ts";
import { Studio } from "./studio.tsx";

const returned = returnedFromHub();
if (returned !== null) void import("./hub/oauth.ts").then(({ comeBack }) => comeBack(returned));

applyTheme();
keepPlanning();
keepDiagnosing();
keepRuns();
keepOffline();
keepGivingWay();
void restore().then(watchAddress).then(offerTour).then(readUnfinished);

// The engine is measured once there is something to merge, not while the page loads.
const stop = useModels.subscribe(({ list }) => {
  if (list.length === 0) return;
  stop();
  void learnEngine();
});

const place = document.getElementById("studio");
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <Studio />
    </StrictMode>,
  );
}
