/* The panel of pictures; each is taken from its block when it is shown. */

const PICTURES = 24; // at once

function showPictures() {
  const all = chosenRuns().flatMap((run) =>
    run.pictures.map((picture, i) => ({ run, picture, id: `picture-${run.id}-${i}` })),
  );
  const kinds = unique(all.map(({ picture }) => picture.name)).sort(collator.compare);
  offer(byId("kind"), [["", "all"], ...kinds.map((name) => [name])]);
  const wanted = all.filter(({ picture }) => [picture.name, ""].includes(byId("kind").value));
  state.gallery = wanted.filter(({ picture }) => !picture.why);
  const cards = wanted.slice(0, state.pictures).map(card);
  const none = chosenRuns().length
    ? "The chosen runs have no pictures."
    : "Choose runs to see their pictures.";
  byId("gallery").replaceChildren(...(cards.length ? cards : [el("p", { class: "note" }, none)]));
  byId("more").hidden = wanted.length <= state.pictures;
}

function card(one) {
  const { run, picture, id } = one;
  const name = el("figcaption", {}, el("b", {}, breakable(run.name)), " ", picture.name);
  if (picture.why)
    return el("figure", { class: "gone" }, el("p", { class: "note" }, picture.why), name);
  const image = el("img", {
    src: parse(id),
    alt: `${picture.name} of ${run.name}`,
    loading: "lazy",
  });
  return el(
    "figure",
    {},
    el("button", { type: "button", onclick: () => enlarge(state.gallery.indexOf(one)) }, image),
    name,
  );
}

function enlarge(place) {
  const { run, picture, id } = state.gallery[place];
  state.place = place;
  byId("large-name").textContent = `${run.name}: ${picture.name}`;
  furnish(byId("large-image"), { src: parse(id), alt: `${picture.name} of ${run.name}` }, []);
  byId("before").disabled = place === 0;
  byId("after").disabled = place === state.gallery.length - 1;
  if (!byId("large").open) byId("large").showModal();
  // A button that is switched off loses the focus, and the arrow keys with it.
  const active = document.activeElement;
  if (!["before", "after"].includes(active.id) || active.disabled) byId("close").focus();
}
