// pattern: app/page/tabs.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/tabs.js --from <sub-project>
/* The panels of a page as tabs. The address says which is open: #sampler */

import { ask, exported } from "ask";
import { byId, calm, complain, el, say } from "dom";

/** Show the panels, each {id, title, build(root)}; a panel is built when it is first opened. */
export async function tabs(panels) {
  const built = new Map();
  const buttons = panels.map(({ id, title }) =>
    el("button", { id: `tab-${id}`, role: "tab", onclick: () => open(id) }, title));
  byId("tabs").append(...buttons);
  byId("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = panels.findIndex(({ id }) => `tab-${id}` === document.activeElement.id);
    open(panels[(at + step + panels.length) % panels.length].id);
    byId("tabs").querySelector("[aria-selected=true]").focus();
  });

  async function open(id) {
    history.replaceState(null, "", `#${id}`);
    calm();
    say("");
    for (const panel of panels) {
      const chosen = panel.id === id;
      const button = byId(`tab-${panel.id}`);
      button.setAttribute("aria-selected", chosen);
      button.tabIndex = chosen ? 0 : -1;
      if (built.has(panel.id)) built.get(panel.id).hidden = !chosen;
    }
    if (!built.has(id)) await build(panels.find((panel) => panel.id === id));
  }

  async function build(panel) {
    const root = el("section", { id: `panel-${panel.id}`, role: "tabpanel", "aria-labelledby": `tab-${panel.id}` });
    built.set(panel.id, root);
    byId("panels").append(root);
    byId(`tab-${panel.id}`).setAttribute("aria-controls", root.id);
    try {
      await panel.build(root);
      root.dataset.ready = "";
    } catch (error) {
      built.delete(panel.id); // the next click tries again
      root.remove();
      complain(error);
    }
  }

  for (const kind of ["dragover", "drop"]) // a file dropped beside its place must not replace the page
    addEventListener(kind, (event) => event.preventDefault());
  addEventListener("hashchange", () => open(chosen()));
  const chosen = () => panels.find(({ id }) => location.hash === `#${id}`)?.id ?? panels[0].id;
  say("loading the model…");
  try {
    const { title, subtitle } = await ask("page");
    document.title = byId("title").textContent = title;
    byId("subtitle").textContent = exported ? `${subtitle} · a saved page` : subtitle;
    say("");
    await open(chosen());
  } catch (error) {
    complain(error);
  }
  document.body.dataset.ready = "";
}
