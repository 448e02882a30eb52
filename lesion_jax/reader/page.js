"use strict";

const content = JSON.parse(document.getElementById("content").textContent);
const count = content.images.length;
const asksClass = content.class_names.length > 1;
const storageKey = "lesion-jax reader " + content.page;
// The first outlives the tab. The second is the tab's own: Chromium under load was seen to reload without the first.
const stores = ["localStorage", "sessionStorage"];
const at = (id) => document.getElementById(id);

// One reader's session; null before it begins.
let session = null;
// When the image on the screen was last put there; null while none is, or the page is hidden.
let shownAt = null;
// Another tab has taken the session over: this one must not write any more.
let isStale = false;
let isKept = true;

// What a function gives; null where the browser forbids it.
function attempt(what) {
  try {
    return what();
  } catch {
    return null;
  }
}

function begin(reader) {
  const order = Array.from({ length: count }, (_, i) => i);
  const random = crypto.getRandomValues(new Uint32Array(count + 4));
  for (let i = count - 1; i > 0; i--) {
    const j = random[i] % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  session = {
    id: Array.from(random.slice(count), (word) => word.toString(16).padStart(8, "0")).join(""),
    reader,
    started: new Date().toISOString(),
    order,
    position: 0,
    isSaved: false,
    answers: order.map(() => ({ source: null, label: null, ms: 0, visits: 0 })),
  };
  keep();
}

function keep() {
  if (!session || isStale) return;
  const isDone = stores.map((store) => attempt(() => window[store].setItem(storageKey, JSON.stringify(session)) ?? true));
  isKept = isDone[0] === true;
  if (!isKept) {
    tell("This browser keeps nothing: do not reload or close the page before you have saved the file of answers.");
  }
}

function kept() {
  const found = stores.map((store) => attempt(() => JSON.parse(window[store].getItem(storageKey))));
  return found.find((one) => one?.answers?.length === count) ?? null;
}

function tell(text) {
  at("notice").textContent = text;
  at("notice").hidden = false;
}

const current = () => session.answers[session.order[session.position]];
const isAnswered = (answer) => answer.source !== null && (!asksClass || answer.label !== null);
const numAnswered = () => session.answers.filter(isAnswered).length;

function stopClock() {
  if (shownAt !== null) current().ms += Math.round(performance.now() - shownAt);
  shownAt = null;
}

function show() {
  at("start").hidden = session !== null;
  at("trial").hidden = !session || session.position >= count;
  at("end").hidden = !session || session.position < count;
  if (!session) return at("reader").focus();
  if (session.position >= count) {
    keep();
    at("saved").textContent = session.isSaved ? "These answers were saved. You can save them again." : "";
    return;
  }
  at("image").src = "data:image/png;base64," + content.images[session.order[session.position]];
  current().visits += 1;
  shownAt = document.hidden ? null : performance.now();
  showAnswer();
  // Tab begins at the questions again, not at the answer before.
  at("questions").focus();
  keep();
}

function showAnswer() {
  const answer = current();
  for (const input of at("questions").querySelectorAll("input")) {
    input.checked = input.value === String(input.name === "source" ? answer.source : answer.label);
  }
  at("where").textContent = `Image ${session.position + 1} of ${count}`;
  at("who").textContent = session.reader;
  at("progress").max = count;
  at("progress").value = numAnswered();
  at("back").disabled = session.position === 0;
  at("next").disabled = !isAnswered(answer);
}

function answer(name, value) {
  current()[name] = value;
  session.isSaved = false;
  showAnswer();
  keep();
}

function move(by) {
  if (by > 0 && !isAnswered(current())) return;
  const position = session.position + by;
  if (position < 0) return;
  if (session.position < count) stopClock();
  session.position = position;
  show();
}

// CRC-32 as in zlib: it notices a slip of the hand in the file, not a forger.
function checksum(text) {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ((crc ^ -1) >>> 0).toString(16).padStart(8, "0");
}

function save() {
  const isShown = shownAt !== null;
  if (isShown) stopClock();
  const record = {
    format: "lesion_jax reader answers 1",
    page: content.page,
    session: session.id,
    reader: session.reader,
    started: session.started,
    saved: new Date().toISOString(),
    order: session.order,
    answers: session.answers.map((one, image) => ({ image, ...one })),
  };
  record.checksum = checksum(JSON.stringify(record));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(record, null, 1) + "\n"], { type: "application/json" }));
  link.download = `answers-${session.reader.replace(/[^\p{L}\p{N}]+/gu, "-")}-${content.page.slice(0, 8)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  session.isSaved = numAnswered() === count;
  at("saved").textContent = `Saved as ${link.download}.`;
  if (isShown) shownAt = performance.now();
  keep();
}

function erase() {
  if (!session.isSaved && !confirm("These answers were not saved. Erase them?")) return;
  for (const store of stores) attempt(() => window[store].removeItem(storageKey));
  session = null;
  at("reader").value = "";
  show();
}

function fill() {
  const classKeys = content.class_names.map((_, label) => (label < 9 ? String(label + 1) : label === 9 ? "0" : ""));
  const texts = {
    count: `${count}`,
    classes: content.class_names.join(", "),
    "class-names": content.class_names.join(", "),
    shown: `${content.unit} ${content.window[0]} (black) to ${content.window[1]} (white)`,
  };
  for (const element of document.querySelectorAll("[data-fill]")) {
    if (element.dataset.fill !== "class-keys") element.textContent = texts[element.dataset.fill];
  }
  for (const element of document.querySelectorAll("[data-classes]")) element.hidden = !asksClass;
  content.class_names.forEach((name, label) => {
    const row = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "label", value: label });
    row.append(input, Object.assign(document.createElement("span"), { textContent: name }));
    if (classKeys[label]) {
      row.append(Object.assign(document.createElement("kbd"), { textContent: classKeys[label] }));
      const key = Object.assign(document.createElement("kbd"), { textContent: classKeys[label] });
      document.querySelector('[data-fill="class-keys"]').append(key, " ");
    }
    at("classes").append(row);
  });
  at("image").width = at("image").height = content.side;
  return classKeys;
}

const classKeys = fill();

at("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const reader = at("reader").value.trim();
  if (!reader) return;
  begin(reader);
  show();
});
at("questions").addEventListener("change", (event) => {
  const { name, value } = event.target;
  answer(name, name === "source" ? value : Number(value));
});
at("questions").addEventListener("submit", (event) => {
  event.preventDefault();
  move(1);
});
at("finish").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
at("back").addEventListener("click", () => move(-1));
at("correct").addEventListener("click", () => move(-1));
at("another").addEventListener("click", erase);
document.querySelector("[data-save]").addEventListener("click", save);

document.addEventListener("keydown", (event) => {
  if (!session || isStale || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const isTrial = session.position < count;
  // On a keyboard without these letters, or with digits above others, the key of that place.
  const place = event.code.replace(/^(Key|Digit|Numpad)/, "");
  const key = (event.key.length === 1 && !/[a-z0-9]/i.test(event.key) ? place : event.key).toLowerCase();
  // Enter on a focused button is that button's.
  const isOnButton = document.activeElement?.tagName === "BUTTON";
  if (key === "backspace") move(-1);
  else if (key === "enter" && !isOnButton) isTrial ? move(1) : save();
  else if (isTrial && (key === "r" || key === "s")) answer("source", key === "r" ? "real" : "synthetic");
  else if (isTrial && asksClass && key && classKeys.includes(key)) answer("label", classKeys.indexOf(key));
  else return;
  event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!session || session.position >= count) return;
  if (document.hidden) stopClock();
  else shownAt = performance.now();
  keep();
});
addEventListener("pagehide", () => {
  if (session && session.position < count) stopClock();
  keep();
});
addEventListener("beforeunload", (event) => {
  if (session && !isKept && !session.isSaved) event.preventDefault();
});
addEventListener("storage", (event) => {
  if (event.key !== storageKey || !session) return;
  isStale = true;
  attempt(() => sessionStorage.removeItem(storageKey));
  for (const id of ["start", "trial", "end"]) at(id).hidden = true;
  tell("This study was opened in another tab or window; go on there, or reload this page to go on here.");
});

session = kept();
show();
