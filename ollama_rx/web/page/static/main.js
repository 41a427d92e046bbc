/** The page: its parts, and what each tells the others. */

import { hasToken, setToken, takeTokenFromAddress } from "./access_token.js";
import { announce } from "./announcer.js";
import * as api from "./api.js";
import { Composer } from "./composer.js";
import { ConversationList } from "./conversation_list.js";
import { askToken, dialogIsOpen, showShortcuts } from "./dialogs.js";
import { Drawer } from "./drawer.js";
import { byId } from "./element.js";
import { FollowEnd } from "./follow_end.js";
import { drawIcons, setIcon } from "./icons.js";
import { MessagesView } from "./messages_view.js";
import { ModelChoice } from "./model_choice.js";
import { notice } from "./notices.js";
import { OpenConversation } from "./open_conversation.js";
import { currentId, onAddress, setAddress } from "./router.js";
import { startShortcuts } from "./shortcuts.js";
import { SpokenWords } from "./spoken_words.js";
import { onChanges, tellTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { untilReachable } from "./until_reachable.js";
import { Voice } from "./voice.js";
import { VoiceBar } from "./voice_bar.js";

/** @import { PageEvent, ServerState } from "./types.js" */

class Page {
  #title = byId("title", HTMLHeadingElement);
  #voiceButton = byId("voice", HTMLButtonElement);
  #connectionNotice = byId("connection-notice", HTMLDivElement);
  #drawer = new Drawer();
  #voiceBar = new VoiceBar(() => this.#voice.interrupt());
  #spokenWords = new SpokenWords();
  /** @type {ServerState | null} */
  #state = null;
  #loading = Promise.resolve();
  #asksForToken = false;
  #reconnecting = false;

  #conversation = new OpenConversation({
    onChange: () => this.#draw(),
    onEvent: (event) => this.#showEvent(event),
    onLost: () => this.#sayLost(),
    onBack: () => this.#setNotice(null),
    onProblem: (error) => this.#report(error),
    onAsking: (id) => this.#prepareFor(id),
    onAnswered: (last) => this.#finish(last),
  });

  #list = new ConversationList({
    onRenamed: (id) => {
      this.#changed(id);
      if (id === this.#conversation.id) this.#refresh();
    },
    onDeleted: (id) => this.#deleted(id),
    onProblem: (error) => this.#report(error),
  });

  #messages = new MessagesView({
    ask: (text) => this.#ask({ text, images: [] }),
    askAt: (question, position) => this.#ask(question, position),
    askAgain: () => this.#askAgain(),
  });

  #end = new FollowEnd(this.#messages.element);

  #composer = new Composer({
    onSend: (question) => this.#ask(question),
    onStop: () => this.#stop(),
    onTyping: () => this.#voice.interrupt(),
    onEditLast: () => this.#messages.editLastQuestion(),
  });

  #models = new ModelChoice((model) => {
    this.#composer.setModel(model);
    if (this.#isNew) this.#draw(); // it names the model
  });

  #voice = new Voice({
    onSpeaking: (speaking) => this.#showSpeaking(speaking),
    onSentence: (sentence) => {
      this.#voiceBar.showSentence(sentence);
      const answer = this.#messages.lastAnswer;
      if (answer) this.#spokenWords.markSentence(answer.text, sentence.said ?? sentence.text);
    },
    onWord: (word) => {
      this.#voiceBar.showWord(word);
      const answer = this.#messages.lastAnswer;
      if (answer) this.#spokenWords.markWord(answer.text, word.text);
    },
    onInterrupted: () => this.#refresh(),
    onProblem: (text) => this.#composer.say(`The voice has failed: ${text}`),
  });

  async start() {
    takeTokenFromAddress();
    addEventListener("hashchange", () => {
      if (takeTokenFromAddress()) this.#startAgain();
    });
    drawIcons();
    startTheme();
    startShortcuts({
      newChat: () => this.#go(null),
      search: () => {
        this.#drawer.open();
        this.#list.focusSearch();
      },
      escape: () => this.#escape(),
      showShortcuts,
    });
    byId("show-shortcuts", HTMLButtonElement).addEventListener("click", showShortcuts);
    byId("skip-link", HTMLAnchorElement).addEventListener("click", (event) => {
      event.preventDefault(); // it would change the address
      this.#composer.focus();
    });
    byId("new-chat", HTMLAnchorElement).addEventListener("click", () => this.#composer.focus());
    this.#voiceButton.addEventListener("click", () => this.#toggleVoice());
    onAddress((id) => this.#open(id));
    onChanges((id) => {
      this.#list.refresh();
      if (id === null || id === this.#conversation.id) this.#refresh();
    });
    await this.#startAgain();
    const hasKeyboard = matchMedia("(hover: hover)").matches; // on a phone, one would jump up
    if (hasKeyboard && document.activeElement === document.body && !dialogIsOpen()) this.#composer.focus();
  }

  // What the reader does.

  /**
   * @param {{ text: string, images: string[] }} question
   * @param {number} [position]
   */
  async #ask(question, position) {
    const sent = await this.#attempt((choice) => this.#conversation.ask(question, choice, position));
    if (!sent) this.#composer.takeBack(question);
  }

  #askAgain() {
    return this.#attempt((choice) => this.#conversation.askAgain(choice));
  }

  /**
   * Ask the server; if it refuses, say so at the field.
   *
   * @param {(choice: import("./open_conversation.js").Choice) => Promise<void>} request
   * @returns {Promise<boolean>}  whether it has accepted
   */
  async #attempt(request) {
    this.#composer.quiet();
    await this.#voice.interrupt();
    try {
      this.#end.toEnd();
      await request({ model: await this.#chosenModel(), think: this.#composer.think });
      this.#changed(this.#conversation.id);
      return true;
    } catch (error) {
      this.#report(error);
      if (isRefusal(error, 409)) this.#refresh(); // changed in another tab: show how
      return false;
    }
  }

  /** The model to ask; one may have been fetched, or Ollama started, since the page was loaded. */
  async #chosenModel() {
    await this.#loading;
    if (!this.#models.model) await this.#fetchState();
    const name = this.#models.model?.name;
    if (!name) throw new api.RefusedError(503, "There is no model to ask yet.");
    return name;
  }

  async #stop() {
    await this.#voice.interrupt();
    try {
      await this.#conversation.stop();
    } catch (error) {
      this.#report(error);
    }
  }

  #escape() {
    if (this.#voice.isSpeaking) this.#voice.interrupt();
    else if (this.#drawer.isOpen) this.#drawer.close();
    else if (this.#conversation.running) this.#stop();
  }

  async #toggleVoice() {
    if (!this.#state?.voice) {
      this.#composer.say(this.#state?.voice_problem ?? "This server has no voice.");
      return;
    }
    const on = !this.#voice.isOn;
    try {
      await (on ? this.#voice.turnOn() : this.#voice.turnOff());
    } catch {
      this.#composer.say("This browser cannot play the voice.");
      await this.#voice.turnOff();
    }
    this.#showVoice();
    announce(this.#voice.isOn ? "The next answers will be spoken" : "Voice off");
    if (this.#voice.isOn && this.#conversation.id) await this.#voice.listenTo(this.#conversation.id);
  }

  /** @param {string | null} id */
  #go(id) {
    setAddress(id);
    this.#open(id);
    this.#composer.focus();
  }

  // What is shown.

  /** @param {string | null} id */
  async #open(id) {
    this.#drawer.close();
    this.#voice.leave();
    this.#composer.quiet();
    this.#messages.clear();
    try {
      const opened = this.#conversation.open(id);
      this.#list.setCurrent(id);
      if (id === null) this.#draw();
      else if (this.#voice.isOn) this.#voice.listenTo(id);
      await opened;
      this.#models.choose(this.#conversation.model);
      if (!this.#isNew) this.#end.toEnd();
    } catch (error) {
      if (isRefusal(error, 404)) this.#leaveMissing();
      else this.#report(error);
    }
  }

  #leaveMissing() {
    setAddress(null, { replace: true });
    this.#open(null);
    this.#composer.say("This conversation does not exist any more.");
  }

  #draw() {
    const { id, title, messages, running } = this.#conversation;
    const shown = title || (id ? "Conversation" : "New chat");
    this.#title.textContent = shown;
    document.title = id ? `${shown} · ollama-rx` : "ollama-rx";
    if (this.#isNew) {
      this.#messages.welcome(this.#about);
      this.#end.toStart();
    } else this.#messages.show(messages, running);
    this.#composer.setAnswering(running !== null);
  }

  get #isNew() {
    return this.#conversation.id === null && !this.#conversation.messages.length;
  }

  /** Which model answers, and where it runs; empty if none can. */
  get #about() {
    const { model } = this.#models;
    if (!this.#state?.reachable || !model) return "";
    const { server } = this.#state;
    return server.startsWith("http")
      ? `${model.name}, run by Ollama at ${new URL(server).host}`
      : `${model.name}, ${server}`;
  }

  /** @param {PageEvent} event */
  #showEvent({ type, data }) {
    const answer = this.#messages.lastAnswer;
    if (!answer) return;
    if (type === "block") answer.replaceBlock(data);
    else if (type === "thinking") answer.addThinking(data.text);
    else if (type === "figures") answer.showFigures(data);
  }

  /** @param {PageEvent | null} last */
  #finish(last) {
    announce(last?.type === "error" ? `The answer has failed: ${last.data.message}` : "End of the answer");
    this.#changed(this.#conversation.id);
  }

  /** @param {boolean} speaking */
  #showSpeaking(speaking) {
    this.#voiceBar.setSpeaking(speaking);
    this.#spokenWords.clear();
  }

  #showVoice() {
    const { isOn } = this.#voice;
    setIcon(this.#voiceButton, isOn ? "sound" : "silent");
    this.#voiceButton.setAttribute("aria-pressed", String(isOn));
    this.#voiceButton.title = isOn ? "Answers are spoken" : "Have the answers spoken";
  }

  // What the server says.

  /** @param {string} id */
  async #prepareFor(id) {
    if (currentId() !== id) {
      setAddress(id); // a new conversation has got its id
      this.#list.setCurrent(id);
    }
    announce("Sent");
    await this.#voice.listenTo(id);
  }

  /** Fetch what the page as a whole shows: the models, and the list. */
  #load() {
    this.#loading = this.#fetchState().catch((error) => this.#report(error));
    return this.#loading;
  }

  async #fetchState() {
    this.#state = await api.getState();
    this.#models.setState(this.#state);
    this.#models.choose(this.#conversation.model);
    this.#voiceButton.hidden = !this.#state.voice && !this.#state.voice_problem;
    this.#showVoice();
    byId("about", HTMLParagraphElement).textContent = `ollama-rx ${this.#state.version}`;
    this.#showServerProblem(this.#state);
    if (this.#isNew) this.#draw();
    await this.#list.refresh();
  }

  /** @param {ServerState} state */
  #showServerProblem({ reachable, server, problem, models }) {
    const help = [{ label: "Check again", onclick: () => this.#load() }];
    if (!reachable) {
      const text = problem ?? `Ollama at ${server} does not answer. Is \`ollama serve\` running?`;
      this.#setNotice(notice(text, { kind: "error", help }));
    } else if (!models.length) {
      const text = problem ?? "Ollama has no model yet. Fetch one with `ollama pull llama3.2`.";
      this.#setNotice(notice(text, { help }));
    } else this.#setNotice(null);
  }

  /** @param {string | null} id  of the conversation that has changed */
  #changed(id) {
    this.#list.refresh();
    if (id !== null) tellTabs(id);
  }

  /** @param {string} id */
  #deleted(id) {
    announce("Deleted");
    if (id === this.#conversation.id) {
      setAddress(null, { replace: true });
      this.#open(null);
    }
    this.#list.refresh();
    tellTabs(id);
  }

  async #refresh() {
    try {
      await this.#conversation.refresh();
    } catch (error) {
      if (isRefusal(error, 404)) this.#leaveMissing();
      else this.#report(error);
    }
  }

  /** @param {unknown} error */
  #report(error) {
    if (isRefusal(error, 401)) this.#askToken();
    else if (error instanceof api.NoServerError) this.#reconnect();
    else if (error instanceof api.RefusedError) this.#composer.say(error.message, { kind: "error" });
    else console.error(error);
  }

  async #askToken() {
    if (this.#asksForToken) return;
    this.#asksForToken = true;
    const reason = hasToken() ? "The server has refused this token." : "This server asks for a token.";
    const token = await askToken(
      `${reason} The right one is in the address that \`ollama-rx serve\` printed.`,
    );
    this.#asksForToken = false;
    if (token) setToken(token);
    await this.#startAgain();
  }

  async #startAgain() {
    await Promise.all([this.#load(), this.#open(currentId())]);
  }

  #sayLost() {
    const help = [{ label: "Try now", onclick: () => dispatchEvent(new Event("online")) }];
    const text = "The connection to the server is lost. Trying again; is `ollama-rx serve` running?";
    this.#setNotice(notice(text, { kind: "error", help }));
  }

  /** @param {HTMLElement | null} said */
  #setNotice(said) {
    const hadFocus = this.#connectionNotice.contains(document.activeElement);
    this.#connectionNotice.replaceChildren(...(said ? [said] : []));
    if (!hadFocus) return;
    if (said) said.querySelector("button")?.focus();
    else this.#composer.focus();
  }

  /** Try until the server answers again, then show what it has. */
  async #reconnect() {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    this.#sayLost();
    const nothing = () => {};
    const { signal } = new AbortController();
    // An error other than "no server" means that there is one.
    await untilReachable(api.getState, { signal, onLost: nothing, onBack: nothing }).catch(nothing);
    this.#reconnecting = false;
    await this.#load();
    await this.#refresh();
  }
}

/**
 * @param {unknown} error
 * @param {number} status
 */
function isRefusal(error, status) {
  return error instanceof api.RefusedError && error.status === status;
}

new Page().start();
