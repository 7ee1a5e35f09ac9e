/** Words of the conversation frame, in Chinese and English. */

const zh = {
  ai_line: "您正在与 AI 智能助手对话，内容由 AI 生成",
  ai_badge: "AI 生成",
  assistant: "智能助手",
  presence_connecting: "正在连接…",
  presence_bot: "智能助手在线",
  presence_waiting: "正在转接人工客服",
  presence_person: "人工客服为您服务",
  presence_closed: "本次会话已结束",
  presence_offline: "网络已断开",
  presence_refused: "暂不可用",
  handoff: "转人工",
  handoff_label: "转人工客服",
  handoff_waiting: "转接中",
  handoff_human: "人工中",
  more: "更多选项",
  close: "收起聊天窗口",
  menu_notice: "隐私说明",
  menu_language: "English",
  menu_end: "结束会话",
  log: "对话记录",
  older: "查看更早的消息",
  older_loading: "正在加载…",
  new_divider: "以下是新消息",
  jump: "回到最新",
  jump_count: "{n} 条新消息",
  previous_conversation: "以上是之前的会话",
  quick: "您可能想问",
  from_customer: "您说",
  from_bot: "{name}（AI 生成）说",
  from_agent: "人工客服{name}说",
  agent: "人工客服",
  composer: "输入消息",
  composer_placeholder: "请输入您的问题…",
  composer_placeholder_human: "给人工客服留言…",
  composer_hint: "按 Enter 发送，按 Shift 加 Enter 换行",
  send: "发送",
  counter: "{n} / {max}",
  counter_left: "还可以输入 {n} 个字",
  counter_over: "超出 {n} 个字，请删减后发送",
  sending: "发送中",
  sent: "已发送",
  read: "已读",
  unsent: "未发送，稍后自动重发",
  unsent_rate: "等待发送",
  unsent_hold: "等待您确认",
  failed: "发送失败",
  retry: "重试",
  discard: "删除",
  typing_bot: "智能助手正在查询",
  typing_agent: "人工客服正在输入",
  slow: "仍在查询，请稍候…",
  slower: "比平时慢一些。答复到达后会立即显示，您也可以直接转人工。",
  helpful: "有用",
  unhelpful: "没用",
  feedback_question: "这个回答有用吗？",
  feedback_thanks: "感谢反馈",
  feedback_sorry: "已记录，我们会改进。",
  feedback_failed: "反馈未能送达，请再点一次",
  sources: "参考资料",
  opens_window: "（在新窗口打开）",
  notice_accept: "同意并开始",
  notice_close: "关闭",
  notice_changed: "隐私说明已更新，请阅读后继续。",
  notice_first: "发送前请阅读",
  notice_failed: "未能保存您的选择，请检查网络后再试。",
  offline: "网络已断开。您的消息已保存，恢复连接后自动发送。",
  reconnecting: "连接不稳定，正在重连。消息不会丢失。",
  rate_limited: "发送得有点快，{n} 秒后自动继续发送。",
  handoff_sending: "正在为您转接人工客服…",
  handoff_offline: "网络恢复后会立即为您转接人工客服。",
  waiting: "正在为您转接人工客服，请稍候。您可以继续留言，客服会看到全部内容。",
  waiting_first: "您排在第 1 位，客服将尽快接入。您可以继续留言，客服会看到全部内容。",
  waiting_position: "您排在第 {n} 位，请稍候。您可以继续留言，客服会看到全部内容。",
  closed: "本次会话已结束。如需帮助，直接发送消息即可。",
  closed_blocked: "之前的会话已结束，消息还没有发出。",
  start_new: "开始新的会话",
  refused: "在线客服暂时不能在此页面使用，请稍后再试或通过其他方式联系我们。",
  failed_open: "暂时连接不上客服系统，您填写的内容不会丢失。",
  try_again: "重新连接",
  error_generic: "操作未能完成，请稍后再试。",
  today: "今天",
  yesterday: "昨天",
};

const en = {
  ai_line: "You are chatting with an AI assistant; its content is AI-generated",
  ai_badge: "AI-generated",
  assistant: "Assistant",
  presence_connecting: "Connecting…",
  presence_bot: "Assistant online",
  presence_waiting: "Finding a person for you",
  presence_person: "A person is helping you",
  presence_closed: "This conversation has ended",
  presence_offline: "You are offline",
  presence_refused: "Unavailable",
  handoff: "Human",
  handoff_label: "Talk to a person",
  handoff_waiting: "Waiting",
  handoff_human: "Connected",
  more: "More options",
  close: "Close the chat window",
  menu_notice: "Privacy notice",
  menu_language: "中文",
  menu_end: "End conversation",
  log: "Conversation",
  older: "Show earlier messages",
  older_loading: "Loading…",
  new_divider: "New messages",
  jump: "Jump to newest",
  jump_count: "{n} new",
  previous_conversation: "Previous conversation above",
  quick: "You may want to ask",
  from_customer: "You said",
  from_bot: "{name} (AI-generated) said",
  from_agent: "{name} said",
  agent: "Agent",
  composer: "Message",
  composer_placeholder: "Type your question…",
  composer_placeholder_human: "Write to our team…",
  composer_hint: "Press Enter to send, Shift plus Enter for a new line",
  send: "Send",
  counter: "{n} / {max}",
  counter_left: "{n} characters left",
  counter_over: "{n} characters too many; please shorten the message",
  sending: "Sending",
  sent: "Sent",
  read: "Read",
  unsent: "Not sent yet, will retry",
  unsent_rate: "Waiting to send",
  unsent_hold: "Waiting for you",
  failed: "Not sent",
  retry: "Retry",
  discard: "Delete",
  typing_bot: "The assistant is looking it up",
  typing_agent: "The agent is typing",
  slow: "Still looking, one moment…",
  slower: "This takes longer than usual. The answer will appear here; you can also ask for a person.",
  helpful: "Helpful",
  unhelpful: "Not helpful",
  feedback_question: "Was this helpful?",
  feedback_thanks: "Thank you",
  feedback_sorry: "Noted, we will improve it.",
  feedback_failed: "Your feedback did not arrive, please try again",
  sources: "Sources",
  opens_window: "(opens in a new window)",
  notice_accept: "Agree and start",
  notice_close: "Close",
  notice_changed: "The privacy notice has changed. Please read it to continue.",
  notice_first: "Please read before sending",
  notice_failed: "Your choice could not be saved. Please check your connection and try again.",
  offline: "You are offline. Your messages are saved and go out when you are back.",
  reconnecting: "The connection is unstable, reconnecting. No message is lost.",
  rate_limited: "A little too fast. Sending continues in {n} s.",
  handoff_sending: "Connecting you to a person…",
  handoff_offline: "You will be connected to a person as soon as the network is back.",
  waiting: "Connecting you to a person. Keep writing, they will see everything.",
  waiting_first: "You are next in line. Keep writing, they will see everything.",
  waiting_position: "You are number {n} in line. Keep writing, they will see everything.",
  closed: "This conversation has ended. Just write if you need anything else.",
  closed_blocked: "The earlier conversation has ended, so your message was not sent.",
  start_new: "Start a new conversation",
  refused: "The chat is not available on this page right now. Please try later or contact us another way.",
  failed_open: "The chat cannot be reached right now. What you typed is kept.",
  try_again: "Reconnect",
  error_generic: "That did not work. Please try again later.",
  today: "Today",
  yesterday: "Yesterday",
};

const dictionaries = { "zh-CN": zh, en };
let current = "zh-CN";

/** Map any language tag to one the frame speaks; null when it speaks none of it. */
export function matchLocale(tag) {
  const name = String(tag || "").replace("_", "-").toLowerCase();
  if (name.startsWith("zh")) return "zh-CN";
  if (name.startsWith("en")) return "en";
  return null;
}

/** Switch the language of every later `t` call; returns the language now in force. */
export function setLocale(tag) {
  current = matchLocale(tag) || current;
  return current;
}

export function getLocale() {
  return current;
}

/** Return the sentence for `key` with its {placeholders} filled. */
export function t(key, values = {}) {
  const text = dictionaries[current][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Fill every element below `root` that names its words in data-i18n or data-i18n-label. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.dataset.i18n);
  }
  for (const element of root.querySelectorAll("[data-i18n-label]")) {
    const text = t(element.dataset.i18nLabel);
    element.setAttribute("aria-label", text);
    if (element.tagName === "BUTTON") element.title = text;
  }
}
