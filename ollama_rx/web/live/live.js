// Draws the events of one answer; docs/web.md lists them. The HTML of a block is made by the server.
"use strict";

const status = document.getElementById("status");
const thoughts = document.getElementById("thoughts");
const thinking = document.getElementById("thinking");
const answer = document.getElementById("answer");
const failure = document.getElementById("error");
const figures = document.getElementById("figures");

const blocks = new Map(); // by their number

function clear() {
  blocks.clear();
  answer.replaceChildren();
  thinking.textContent = figures.textContent = failure.textContent = "";
  thoughts.hidden = failure.hidden = true;
}

function keepingTheEndInSight(draw) {
  const page = document.documentElement;
  const isAtEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 40;
  draw();
  if (isAtEnd) {
    page.scrollTop = page.scrollHeight;
  }
}

function drawBlock({ number, html, complete }) {
  let block = blocks.get(number);
  if (!block) {
    thoughts.open &&= blocks.size > 0; // folded when the answer begins, and not again
    block = document.createElement("section");
    blocks.set(number, block);
    answer.append(block);
  }
  block.classList.toggle("open", !complete);
  block.innerHTML = html;
}

function addThinking({ text }) {
  if (thoughts.hidden) {
    thoughts.hidden = false;
    thoughts.open = blocks.size === 0;
  }
  thinking.append(text);
}

function addNote(text) {
  const note = document.createElement("pre");
  note.className = "note";
  note.textContent = text;
  answer.append(note);
}

function showFigures(stats) {
  const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 0)} s`;
  figures.textContent = [
    stats.model,
    stats.tokens === null ? null : `${stats.tokens} tokens`,
    stats.tokens_per_second === null ? null : `${stats.tokens_per_second.toFixed(1)} tokens/s`,
    stats.time_to_first_text === null ? null : `first text after ${seconds(stats.time_to_first_text)}`,
    `${seconds(stats.seconds)} in all`,
  ]
    .filter(Boolean)
    .join(" · ");
}

const draw = {
  begin: clear,
  block: drawBlock,
  thinking: addThinking,
  tool_call: (call) => addNote(`${call.name}(${JSON.stringify(call.arguments)})`),
  tool_result: (result) => addNote(`${result.name}: ${result.content}`),
  progress: (progress) => { status.textContent = progress.status; },
  item: ({ value }) => addNote(JSON.stringify(value, null, 2)),
  stats: showFigures,
};

function end(source, text) {
  source.close();
  status.textContent = text;
  document.body.className = "ended";
}

function connect() {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => { status.textContent = "Answering"; });
  for (const [type, show] of Object.entries(draw)) {
    source.addEventListener(type, (event) => keepingTheEndInSight(() => show(JSON.parse(event.data))));
  }
  source.addEventListener("done", (event) => {
    end(source, JSON.parse(event.data).reason === "completed" ? "Complete" : "Stopped");
  });
  source.addEventListener("reset", () => { // what this tab has does not go on
    source.close();
    connect();
  });
  source.addEventListener("error", (event) => {
    if (event.data) {
      failure.textContent = JSON.parse(event.data).message;
      failure.hidden = false;
      end(source, "Failed");
    } else if (source.readyState === EventSource.CLOSED) {
      end(source, "The program that served this page has ended");
    } else {
      status.textContent = "The connection is cut; trying again";
    }
  });
}

connect();
