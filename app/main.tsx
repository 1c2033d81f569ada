import "../workers/trusted.ts";
import "@fontsource-variable/inter";
import "./style/tokens.css";
import "./style/controls.css";
import "./style/panels.css";
import "./style/mixer.css";
import "./style/models.css";
import "./style/doctor.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepDiagnosing } from "./state/doctor.ts";
import { useModels } from "./state/models.ts";
import { keepPlanning, learnEngine } from "./state/plan.ts";
import { restore } from "./state/session.ts";
import { applyTheme } from "./state/view.ts";
import { Studio } from "./studio.tsx";

applyTheme();
keepPlanning();
keepDiagnosing();
void restore();

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
