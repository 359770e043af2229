// The page polls the JSON API once a second and updates the elements in place. Data reaches the document as text only.

const interval = 1000;
const requestCount = 50;
const phaseTones = { Successful: "good", Failed: "bad", Timeout: "bad", Building: "busy", Cancel: "warning" };
const tones = { ...phaseTones, Queuing: "busy", Pushing: "busy" };
const words = { Cancel: "Canceled", NotStarted: "Not started" };
const credentialNames = {
  access_key: "Access key", secret_key: "Secret key", security_token: "Security token", token: "Token", user: "User",
  password: "Password", domain: "Domain", agency: "Agency", identity_provider: "Identity provider",
  id_token: "ID token",
};
const presets = {
  throttle: { count: 5, status: 429, headers: "Retry-After: 1",
    body: '{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}' },
  unavailable: { count: 2, status: 503, body: "Service Unavailable" },
  lost: { method: "POST", path: "/assembling/v1/jobs", effect: "drop", when: "after" },
  slow: { count: -1, effect: "", delay: "2s" },
  login: { method: "POST", path: "/v3/auth/tokens", status: 401,
    body: '{"error":{"code":401,"message":"The username or password is wrong.","title":"Unauthorized"}}' },
};

const $ = (id) => document.getElementById(id);
const longTime = { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" };
const integer = new Intl.NumberFormat("en");

let state = { jobs: [], faults: [], total: 0 };
let pageSize = 10;
let offset = 0;
let search = "";
let openJob = ""; // the ID of the job in the drawer
let job = null;
let connected = null; // null until the first response
let timer = 0;
let refreshing = null;
let messageTimer = 0;

// send returns the decoded response. An error response is an Error with the emulator's message.
async function send(method, path, body) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, {
    method, headers, cache: "no-store", signal: AbortSignal.timeout(10_000),
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (response.ok) return text ? JSON.parse(text) : null;
  let message = text;
  try {
    message = JSON.parse(text).error ?? text;
  } catch { /* not JSON */ }
  throw Object.assign(new Error(message || `HTTP ${response.status}`), { status: response.status });
}

// refresh loads and renders the state. A call during a refresh starts another one after it.
function refresh() {
  clearTimeout(timer);
  refreshing = (refreshing ?? Promise.resolve()).then(load);
  return refreshing;
}

async function load() {
  clearTimeout(timer);
  const id = openJob;
  try {
    const query = new URLSearchParams({ search, offset, limit: pageSize });
    const [newState, requests, newJob] = await Promise.all([
      send("GET", `state?${query}`),
      send("GET", `requests?limit=${requestCount}`),
      id ? send("GET", `jobs/${encodeURIComponent(id)}`).catch((error) => {
        if (error.status === 404) return null;
        throw error;
      }) : null,
    ]);
    state = newState;
    if (offset > 0 && offset >= state.total) {
      offset = Math.max(0, Math.ceil(state.total / pageSize) - 1) * pageSize;
      timer = setTimeout(refresh);
      return;
    }
    setConnected(true);
    renderJobs();
    renderFaults();
    renderRequests(requests);
    if (id && id === openJob) renderJob(newJob);
  } catch (error) {
    if (error.status === 401) {
      if (!$("token").open) openDialog("token");
      return;
    }
    setConnected(false, error);
  }
  if (!document.hidden) timer = setTimeout(refresh, interval);
}

function setConnected(now, error) {
  connected = now;
  setText($("connection"), now ? "Live" : "Stopped");
  $("connection").dataset.tone = now ? "good" : "bad";
  $("stopped").hidden = now;
  if (!now) {
    setText($("stopped"), error.status
      ? `The emulator at ${location.host} returned an error: ${error.message}`
      : `The emulator at ${location.host} does not respond. The page shows the last known state, and reconnects when ` +
        "the emulator runs again on this address.");
  }
  enableAll(document);
}

// enableAll disables the buttons that cannot work now: without an emulator, or on a job that no longer exists.
function enableAll(parent) {
  for (const button of parent.querySelectorAll("[data-needs-emulator]")) {
    button.disabled = !connected || (!job && $("job").contains(button));
  }
}

// Rendering

function setText(node, text) {
  const string = String(text ?? "");
  if (node.textContent !== string) node.textContent = string;
}

function setFields(node, values) {
  for (const [name, value] of Object.entries(values)) setText(node.querySelector(`[data-field="${name}"]`), value);
}

function setState(node, name, toneOf = tones) {
  setText(node, words[name] ?? name);
  node.dataset.tone = toneOf[name] ?? "neutral";
}

function setTime(node, value) {
  const time = new Date(value || NaN);
  if (Number.isNaN(time.valueOf())) {
    setText(node, "");
    return;
  }
  const today = time.toDateString() === new Date().toDateString();
  setText(node, (today ? "" : `${time.toLocaleDateString("en", { month: "short", day: "numeric" })}, `) +
    time.toLocaleTimeString("en", { hour12: false, hourCycle: "h23" }));
  node.dateTime = value;
  node.title = time.toString();
}

// update gives the parent one child for each item. It keeps the elements of known keys, so that focus and selection
// stay.
function update(parent, items, keyOf, template, fill) {
  const focused = document.activeElement;
  const keys = new Set(items.map((item) => String(keyOf(item))));
  const children = new Map();
  const first = !parent.dataset.filled;
  for (const child of [...parent.children]) {
    if (keys.has(child.dataset.key)) children.set(child.dataset.key, child);
    else child.remove();
  }
  items.forEach((item, i) => {
    const key = String(keyOf(item));
    let child = children.get(key);
    const created = !child;
    if (created) {
      child = $(template).content.firstElementChild.cloneNode(true);
      child.dataset.key = key;
    }
    fill(child, item, created);
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
    if (created && !first) flash(child);
  });
  parent.dataset.filled = "true";
  if (parent.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

function flash(node) {
  node.classList.remove("changed");
  void node.offsetWidth; // restarts the animation
  node.classList.add("changed");
}

function pairs(list, values) {
  const entries = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  const key = JSON.stringify(entries);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...entries.flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name;
    description.textContent = value;
    return [term, description];
  }));
}

function renderJobs() {
  setText($("address"), state.address);
  setText($("region"), state.region);
  const total = state.total;
  setText($("jobs-total"), search ? `${integer.format(total)} found` : integer.format(total));
  if ($("jobs").dataset.view !== `${search} ${offset}`) {
    $("jobs").dataset.view = `${search} ${offset}`;
    delete $("jobs").dataset.filled; // A row that comes from another page is not new.
  }
  update($("jobs"), state.jobs, (job) => job.job_id, "job-row", (row, job, created) => {
    const change = `${job.changed_at} ${job.changed_by}`;
    if (!created && row.dataset.change !== change) flash(row);
    row.dataset.change = change;
    row.title = job.description;
    row.querySelector("[data-field=by]").title = changedBy(job);
    setFields(row, {
      name: job.name, arch: job.arch, repository: job.repository.replace(/^https:\/\//, ""), branch: job.branch,
      cluster: job.cluster, enterprise: job.enterprise_project_id, by: changedBy(job).replace("/assembling/v1/", "…/"),
      number: job.last_build ? `#${job.last_build.number}` : "None",
    });
    row.querySelector("[data-field=enterprise]").title = job.enterprise_project_id ?? "";
    setState(row.querySelector("[data-field=state]"), job.last_build?.status);
    setTime(row.querySelector("[data-field=time]"), job.changed_at);
  });
  $("jobs-table").hidden = total === 0;
  $("no-jobs").hidden = total > 0;
  $("empty-connect").hidden = search !== "";
  setText($("no-jobs-text"), search
    ? "No build job matches the search."
    : "No build jobs yet. They appear here during terraform apply.");
  const end = offset + state.jobs.length;
  $("pager").hidden = total <= 10;
  setText($("range"), `${integer.format(offset + 1)}–${integer.format(end)} of ${integer.format(total)}`);
  $("first").disabled = $("previous").disabled = offset === 0;
  $("next").disabled = $("last").disabled = end >= total;
}

// changedBy returns the request of the last change, without the job's own ID.
const changedBy = (job) => job.changed_by.replace(job.job_id, "{job_id}");

function renderRequests({ requests, total }) {
  setText($("requests-total"), integer.format(total));
  const numbered = requests.map((request, i) => ({ ...request, index: total - i }));
  update($("requests"), numbered, (request) => request.index, "request-row", (row, request) => {
    setFields(row, {
      method: request.method, path: request.path, duration: duration(request.duration_ms),
      credential: request.credential, fault: request.fault,
    });
    setTime(row.querySelector("[data-field=time]"), request.time);
    const status = row.querySelector("[data-field=status]");
    setText(status, request.status || "No response");
    status.dataset.tone = !request.status || request.status >= 500 ? "bad" : request.status >= 400 ? "warning" : "good";
  });
  $("requests-table").hidden = requests.length === 0;
  $("no-requests").hidden = requests.length > 0;
}

function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds < 0.05) return "< 0.1 ms";
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

function renderFaults() {
  const faults = state.faults ?? [];
  $("faults-section").hidden = faults.length === 0;
  setText($("faults-total"), integer.format(faults.length));
  update($("faults"), faults.map((fault, i) => ({ ...fault, i })), (fault) => fault.i, "fault-row", (row, fault) => {
    const effects = [];
    if (fault.delay) effects.push(`delay ${fault.delay}`);
    if (fault.drop) effects.push("connection broken");
    else if (fault.status) effects.push(`status ${fault.status}`);
    if (fault.drop || fault.status) effects.push(fault.when === "after" ? "carried out" : "not carried out");
    setFields(row, {
      requests: `${fault.method || "Any method"} ${fault.path || "any path"}`,
      effect: effects.join(", "),
      count: fault.count < 0 ? "every request" : fault.count === 1 ? "next request" : `next ${fault.count} requests`,
    });
    const others = faults.filter((_, i) => i !== fault.i);
    row.querySelector("[data-remove]").onclick = () => act(() => send("PUT", "faults", others), "Fault removed");
  });
}

function renderJob(newJob) {
  job = newJob;
  $("job-deleted").hidden = job !== null;
  if (job) {
    setText($("job-name"), job.name);
    pairs($("job-fields"), {
      "Job ID": job.job_id, Description: job.description, Architecture: job.arch, Repository: job.repository,
      Branch: job.branch, Cluster: job.cluster, "Enterprise project": job.enterprise_project_id,
      "Last change": [job.changed_at && new Date(job.changed_at).toLocaleString("en", longTime), changedBy(job)]
        .filter(Boolean).join(", "),
    });
    const total = job.builds_total;
    const shown = job.builds.length;
    setText($("builds-total"), total > shown ? `newest ${shown} of ${integer.format(total)}` : total);
    $("no-builds").hidden = job.builds.length > 0;
    update($("builds"), job.builds, (build) => build.build_id, "build-item", renderBuild);
  }
  enableAll($("job"));
}

function renderBuild(item, build, created) {
  setFields(item, { number: `#${build.number}` });
  setState(item.querySelector("[data-field=state]"), build.status);
  setTime(item.querySelector("[data-field=time]"), build.started_at);
  update(item.querySelector(".phases"), build.phases, (phase) => phase.name, "phase-item", (child, phase) => {
    setFields(child, { name: phase.name });
    setState(child.querySelector("[data-field=state]"), phase.status, phaseTones);
    child.dataset.tone = phaseTones[phase.status] ?? "neutral";
    const bar = child.querySelector("progress");
    bar.value = phase.progress;
    bar.setAttribute("aria-label", phase.name);
  });
  const cancel = item.querySelector("[data-cancel]");
  cancel.parentElement.hidden = tones[build.status] !== "busy";
  const path = `${jobPath()}/builds/${encodeURIComponent(build.build_id)}/cancel`;
  cancel.onclick = () => act(() => send("POST", path), "Build canceled");
  const log = item.querySelector(".log");
  if (created) item.addEventListener("toggle", () => { log.scrollTop = log.scrollHeight; });
  log.setAttribute("aria-label", `Log of build ${build.number}`);
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  if (build.log.startsWith(log.textContent)) {
    const added = build.log.slice(log.textContent.length); // Only the new text: a selection in the log stays.
    if (added) log.append(added);
  } else {
    log.textContent = build.log;
  }
  if (atEnd) log.scrollTop = log.scrollHeight;
  if (created && build === job.builds[0]) {
    for (const other of $("builds").children) other.open = false;
    item.open = true;
  }
}

// Actions

const jobPath = () => `jobs/${encodeURIComponent(openJob)}`;

// act runs an action, reports its result, and shows the new state at once.
async function act(action, success) {
  try {
    await action();
    showMessage(success);
  } catch (error) {
    showMessage(error.message, "bad");
  }
  return refresh();
}

function showMessage(text, tone = "") {
  const node = $("message");
  clearTimeout(messageTimer);
  if (node.matches(":popover-open")) node.hidePopover();
  node.dataset.tone = tone;
  node.showPopover(); // above an open dialog
  setText(node, text);
  messageTimer = setTimeout(() => node.hidePopover(), tone === "bad" ? 10_000 : 3000);
}

function openDialog(id) {
  const alert = $(id).querySelector(".alert");
  if (alert) alert.hidden = true;
  $(id).showModal();
}

// onSubmit runs the action of a dialog. The dialog stays open with the message of an error.
function onSubmit(form, action) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const alert = form.querySelector(".alert");
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      await action(form);
      form.closest("dialog").close();
      await refresh();
    } catch (error) {
      alert.hidden = false;
      setText(alert, error.status ? error.message : "The emulator does not respond.");
    } finally {
      button.disabled = false;
    }
  });
}

let confirmed = null;
function confirmAction(title, text, button, action) {
  setText($("confirm-title"), title);
  setText($("confirm-text"), text);
  setText($("confirm-button"), button);
  confirmed = action;
  openDialog("confirm");
}
onSubmit($("confirm").querySelector("form"), () => confirmed());

function showJob(id) {
  openJob = id;
  job = state.jobs.find((job) => job.job_id === id) ?? null;
  $("builds").replaceChildren();
  delete $("builds").dataset.filled;
  $("job-fields").replaceChildren();
  delete $("job-fields").dataset.key;
  setText($("job-name"), job?.name ?? "Build job");
  setText($("builds-total"), "");
  $("job-deleted").hidden = $("no-builds").hidden = true;
  history.replaceState(null, "", `#${id}`);
  enableAll($("job")); // A disabled button gets no focus.
  openDialog("job");
  refresh();
}

$("job").addEventListener("close", () => {
  openJob = "";
  job = null;
  history.replaceState(null, "", location.pathname);
});

$("jobs").addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  if (row && getSelection().isCollapsed) showJob(row.dataset.key);
});

$("start-build").addEventListener("click", () => act(() => send("POST", `${jobPath()}/builds`), "Build started"));

$("open-change").addEventListener("click", () => {
  for (const input of $("change-form").elements) {
    if (input.name) input.value = input.dataset.before = job[input.name] ?? "";
  }
  openDialog("change");
});

onSubmit($("change-form"), async (form) => {
  const changes = {};
  for (const input of form.elements) {
    if (input.name && input.value !== input.dataset.before) changes[input.name] = input.value || null;
  }
  await send("PATCH", jobPath(), changes);
  showMessage("Build job changed");
});

$("open-delete").addEventListener("click", () => {
  const { name } = job;
  const text = `Deletes ${name} and its builds outside Terraform, as in the console.`;
  confirmAction("Delete build job", text, "Delete", async () => {
    await send("DELETE", jobPath());
    $("job").close();
    showMessage(`Build job ${name} deleted`);
  });
});

$("open-reset").addEventListener("click", () => {
  confirmAction("Reset emulator", "Deletes all build jobs, builds, faults and recorded requests. " +
    "Those of the -seed and -fault flags are added again.", "Reset", async () => {
    await send("POST", "reset");
    showMessage("Emulator reset");
  });
});

const faultForm = $("fault-form");
const faultFields = faultForm.elements;

function showResponseFields() {
  $("fault-response").hidden = faultFields.effect.value !== "status";
  faultFields.status.disabled = faultFields.effect.value !== "status";
  faultFields.delay.required = faultFields.effect.value === "";
}

$("open-fault").addEventListener("click", () => {
  faultForm.reset();
  showResponseFields();
  openDialog("fault");
});

faultFields.effect.addEventListener("change", showResponseFields);

$("preset").addEventListener("change", () => {
  const values = {
    method: "", path: "", count: 1, effect: "status", when: "before", delay: "", status: 500, headers: "", body: "",
    ...presets[$("preset").value],
  };
  for (const [name, value] of Object.entries(values)) faultFields[name].value = value;
  showResponseFields();
});

onSubmit(faultForm, async () => {
  const fault = { count: Number(faultFields.count.value) };
  for (const name of ["method", "path", "delay"]) {
    const value = faultFields[name].value.trim();
    if (value) fault[name] = value;
  }
  if (faultFields.when.value === "after") fault.when = "after";
  if (faultFields.effect.value === "drop") fault.drop = true;
  if (faultFields.effect.value === "status") {
    fault.status = Number(faultFields.status.value);
    if (faultFields.body.value) fault.body = faultFields.body.value;
    const lines = faultFields.headers.value.split("\n").filter((line) => line.includes(":"));
    if (lines.length) {
      fault.headers = Object.fromEntries(lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
      }));
    }
  }
  await send("PUT", "faults", [...(state.faults ?? []), fault]);
  showMessage("Fault injected");
});

$("remove-faults").addEventListener("click", () => act(() => send("PUT", "faults", []), "Faults removed"));

for (const id of ["open-connect", "empty-connect"]) {
  $(id).addEventListener("click", () => {
    const accepted = Object.entries(credentialNames).map(([name, title]) => [title, state.accepted[name]]);
    pairs($("accepted"), Object.fromEntries(accepted));
    setText($("exports"), exportLines());
    openDialog("connect");
  });
}

// exportLines returns the environment of a provider, for a POSIX shell.
function exportLines() {
  const { address, region, accepted } = state;
  return Object.entries({
    HW_REGION_NAME: region || "cn-north-4",
    HW_ACCESS_KEY: accepted.access_key, HW_SECRET_KEY: accepted.secret_key, HW_SECURITY_TOKEN: accepted.security_token,
    HW_SERVICESTAGE_ENDPOINT: address, HW_IAM_ENDPOINT: address, HW_STS_ENDPOINT: address,
  }).filter(([, value]) => value).map(([name, value]) => `export ${name}=${quote(value)}`).join("\n");
}

const quote = (value) => (/^[\w./:@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);

$("copy").hidden = !navigator.clipboard;
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("exports").textContent);
    showMessage("Copied");
  } catch {
    showMessage("The browser does not allow copying.", "bad");
  }
});

$("token").addEventListener("cancel", (event) => event.preventDefault());
onSubmit($("token-form"), async (form) => {
  sessionStorage.setItem("token", form.elements.token.value);
  await send("GET", "state?limit=1");
});

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

// Search and paging

let searchTimer = 0;
$("search").addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => {
    search = $("search").value.trim();
    offset = 0;
    refresh();
  }, 150);
});

const turn = (to) => () => {
  offset = Math.max(0, to());
  refresh();
};
$("first").addEventListener("click", turn(() => 0));
$("previous").addEventListener("click", turn(() => offset - pageSize));
$("next").addEventListener("click", turn(() => offset + pageSize));
$("last").addEventListener("click", turn(() => (Math.ceil(state.total / pageSize) - 1) * pageSize));

$("page-size").addEventListener("change", () => {
  pageSize = Number($("page-size").value);
  offset = 0;
  refresh();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("search").focus();
  }
});

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));

await refresh();
if (location.hash.length > 1) showJob(location.hash.slice(1));
