/** What the demonstration shop says and sells, in Chinese and English. Everything is invented. */

const zh = {
  banner: "演示页面：本店铺、商品和价格均为虚构，不能下单。右下角是真实可用的在线客服。",
  banner_switch: "English shop",
  nav_goods: "全部商品",
  nav_service: "服务承诺",
  nav_try: "试试客服",
  hero_title: "把日子过得刚刚好",
  hero_text: "贴身的针织、好睡的床品、顺手的小家电。先看看，有问题随时问。",
  hero_button: "逛逛商品",
  hero_ask: "咨询客服",
  goods_title: "本周上新",
  goods_text: "每件商品都可以直接咨询，客服会知道您在看哪一件。",
  ask: "咨询这件商品",
  service_title: "服务承诺",
  try_title: "试着问问客服",
  try_text: "点一下就会发给右下角的在线客服；也可以换成您自己的说法。",
  footer: "演示店铺，由应答客服系统提供，仅用于展示网站挂件。",
};

const en = {
  banner: "Demonstration page: this shop, its goods and its prices are invented. The chat in the corner is real.",
  banner_switch: "中文店铺",
  nav_goods: "Everything",
  nav_service: "Our promises",
  nav_try: "Try the chat",
  hero_title: "A home that feels like yours",
  hero_text: "Soft bedding, honest stoneware, lamps for long evenings. Have a look, and ask us anything.",
  hero_button: "Browse",
  hero_ask: "Ask us",
  goods_title: "New this week",
  goods_text: "Ask about any of them; the chat knows which one you are looking at.",
  ask: "Ask about this",
  service_title: "Our promises",
  try_title: "Try asking the chat",
  try_text: "One click sends the question to the chat in the corner; your own words work as well.",
  footer: "Demonstration shop of the Yingda customer service system, made to show the website widget.",
};

const goodsZh = [
  { id: "QH-1021", art: "knit", name: "细羊毛圆领针织衫", note: "可机洗 · 四色", price: "¥299" },
  { id: "QH-2204", art: "bedding", name: "水洗棉四件套", note: "1.5 米 / 1.8 米床", price: "¥359" },
  { id: "QH-3310", art: "bowls", name: "手作釉下彩饭碗", note: "两只装 · 可微波", price: "¥88" },
  { id: "QH-4102", art: "humidifier", name: "静音桌面加湿器", note: "整晚安静", price: "¥169" },
  { id: "QH-4208", art: "earbuds", name: "轻听蓝牙耳机", note: "充电盒便携", price: "¥239" },
  { id: "QH-5017", art: "basket", name: "藤编收纳篮", note: "大小两款", price: "¥79" },
  { id: "QH-4115", art: "kettle", name: "细口电热水壶", note: "定温冲泡", price: "¥199" },
  { id: "QH-2410", art: "towels", name: "长绒棉浴巾", note: "三条装", price: "¥129" },
];

const goodsEn = [
  { id: "LH-2204", art: "bedding", name: "Washed cotton bedding set", note: "Single to superking", price: "£85" },
  { id: "LH-3310", art: "bowls", name: "Stoneware bowls", note: "Set of two", price: "£24" },
  { id: "LH-6101", art: "lamp", name: "Ceramic table lamp", note: "Linen shade", price: "£68" },
  { id: "LH-5017", art: "basket", name: "Rattan basket", note: "Two sizes", price: "£32" },
  { id: "LH-2410", art: "towels", name: "Long-staple bath towels", note: "Set of three", price: "£39" },
  { id: "LH-2502", art: "cushion", name: "Ridge wool cushion", note: "45 × 45 cm", price: "£36" },
  { id: "LH-7003", art: "table", name: "Oak side table", note: "Delivered to your room", price: "£149" },
  { id: "LH-4115", art: "kettle", name: "Gooseneck kettle", note: "Holds its temperature", price: "£59" },
];

const promisesZh = [
  { title: "满 68 元包邮", text: "现货 16:00 前付款，当天发出。" },
  { title: "七天无理由退货", text: "商品完好、吊牌和配件齐全即可申请。" },
  { title: "小家电保修一年", text: "签收 15 天内有性能故障可换新。" },
  { title: "客服 8:30–22:30", text: "其余时间由智能助手回答您的问题。" },
];

const promisesEn = [
  { title: "Free delivery from £50", text: "Standard delivery below that is £3.95." },
  { title: "30 days to return", text: "Unused and in the original packaging." },
  { title: "Guaranteed", text: "2 years for furniture and small electricals, 5 for bed frames." },
  { title: "People seven days a week", text: "The assistant answers at any hour." },
];

const questionsZh = [
  { title: "知识库里有的", asks: ["运费怎么收，满多少包邮？", "怎样申请电子普通发票？"] },
  { title: "换一种说法", asks: ["一米八的床配多大的被套", "毛衣可以扔洗衣机不", "刚下单就降价了咋办"] },
  { title: "说得含糊的", asks: ["我要退货", "券用不了"] },
  { title: "需要人的", asks: ["我要找人工客服", "衣服质量有问题，我要正式投诉你们"] },
];

const questionsEn = [
  { title: "In the knowledge base", asks: ["How much does delivery cost?", "What is your returns policy?"] },
  { title: "In other words", asks: ["what size duvet fits a king bed", "my parcel still hasn't turned up"] },
  { title: "Vague on purpose", asks: ["return", "my code doesn't work"] },
  { title: "For people", asks: ["I want to talk to a person", "I will take legal action over this"] },
];

/** Words, goods, promises and questions of one language. */
export const shops = {
  "zh-CN": { words: zh, goods: goodsZh, promises: promisesZh, questions: questionsZh },
  en: { words: en, goods: goodsEn, promises: promisesEn, questions: questionsEn },
};
