export type Names = { given: readonly string[]; family: readonly string[] }

/** Given and family names, a language or region each, so that both fit: what search, sorting and fonts must cope with. */
export const NAMES: readonly Names[] = [
  names(
    'Zofia, Łukasz, Małgorzata, Wojciech, Agnieszka, Grzegorz, Żaneta, Paweł, Kinga, Błażej',
    'Wójcik, Kowalczyk, Wiśniewski, Dąbrowska, Zieliński, Szymański, Woźniak, Jabłońska, Król, Gołąb',
  ),
  names(
    'Jürgen, Käthe, Björn, Annelie, Sören, Mareike, Götz, Franziska, Uwe, Änne',
    'Müller, Weiß, Schröder, Groß, Kühn, Vogel, Böhm, von der Heide, Strauß, Jäger',
  ),
  names(
    'Zoë, François, Hélène, Jérôme, Anaïs, Loïc, Maëlys, Étienne, Océane, Benoît',
    "Lefèvre, D'Aubigné, Gauthier, Bérenger, Saint-Exupéry, Chénier, Noël, L'Hôpital, Garçon, Dupré",
  ),
  names(
    'Åsa, Søren, Bjørg, Øyvind, Mårten, Þóra, Guðrún, Ægir, Håkon, Sigríður',
    'Ångström, Sørensen, Ødegård, Þorsteinsdóttir, Guðmundsson, Håkansson, Kjær, Lindström, Nygård, Æbelø',
  ),
  names(
    'Siobhán, Pádraig, Aoife, Seán, Niamh, Ruairí, Caoimhe, Éamon, Gráinne, Tadhg',
    "O'Brien, O'Neill, Ó Súilleabháin, MacCarthy, D'Arcy, Ní Dhomhnaill, Fitzgerald, O'Shea, Mac an tSaoi, Byrne",
  ),
  names(
    'José, Íñigo, María José, Ángel, Begoña, Raúl, Núria, Iñaki, Lucía, Andrés',
    'Muñoz, García-Pérez, Ibáñez, Núñez, Gómez de la Serna, Peña, Etxeberría, Sánchez, Güell, Ordóñez',
  ),
  names(
    'Tomáš, Jiří, Šárka, Ľubica, Žofie, Dušan, Růžena, Čeněk, Alžběta, Matěj',
    'Dvořák, Příhoda, Růžičková, Šťastný, Kříž, Ďurica, Žižka, Hájek, Čapková, Němec',
  ),
  names(
    'Gülşen, İbrahim, Çağla, Oğuz, Işıl, Ümit, Şebnem, Kıvanç, Ayşe, Göktuğ',
    'Yıldız, Öztürk, Şahin, Çelik, Kılıç, Güneş, Işık, Aydoğan, Ünal, İnönü',
  ),
  names(
    'Nguyệt, Hữu Phước, Thị Ánh, Đức, Thuỳ Dương, Quốc, Bích Ngọc, Tuấn, Mỹ Lệ, Khánh',
    'Nguyễn, Trần, Phạm, Đặng, Võ, Huỳnh, Bùi, Đỗ, Ngô, Lê',
  ),
  names(
    'Ελένη, Γιώργος, Αθανάσιος, Ειρήνη, Χρήστος, Μαρία, Ορέστης, Ζωή, Νίκος, Ευφροσύνη',
    'Παπαδόπουλος, Γεωργίου, Χατζής, Οικονόμου, Αγγελίδης, Βλάχος, Ζαχαρίας, Καραγιάννης, Λάμπρου, Ψαράς',
  ),
  names(
    'Алёна, Фёдор, Юлия, Сергей, Олександр, Ївга, Йордан, Щаслава, Ганна, Дмитро',
    'Королёв, Щербаков, Шевченко, Їжакевич, Хрюкало, Йовков, Ґонта, Пушкина, Бондаренко, Соловьёв',
  ),
  names(
    '美咲, 翔太, 陽子, さくら, 健, 蓮, 優子, 大輔, 結衣, ひろし',
    '佐藤, 鈴木, 髙橋, 渡邉, 田中, 伊藤, 齋藤, 山本, 小林, 吉田',
  ),
  names('偉, 秀英, 娜, 芳, 建国, 浩然, 雨桐, 志明, 淑芬, 欣怡', '王, 歐陽, 李, 陳, 张, 刘, 司马, 黃, 吴, 周'),
  names('지훈, 서연, 민준, 하은, 도윤, 수아, 예준, 지우, 은주, 영호', '김, 박, 이, 최, 정, 강, 조, 윤, 남궁, 선우'),
  names(
    'فاطمة, محمد, ليلى, يوسف, مريم, خالد, نور, عمر, هدى, سامي',
    'الحداد, بن علي, النجار, المصري, الخطيب, حسين, القاسم, الشامي, العلي, منصور',
  ),
  names(
    'נועה, אורי, תמר, יונתן, שירה, איתי, מאיה, דוד, רותם, אלון',
    'כהן, לוי, מזרחי, פרץ, ביטון, אברהם, פרידמן, בן דוד, שפירא, גולן',
  ),
  names(
    'अनुष्का, राजेश, प्रिया, अर्जुन, दीपिका, विक्रम, सुनीता, आदित्य, कविता, मोहन',
    'शर्मा, पटेल, गुप्ता, सिंह, वर्मा, मिश्रा, जोशी, यादव, चौधरी, त्रिपाठी',
  ),
  names(
    'கவிதா, முருகன், செல்வி, கார்த்திக், லட்சுமி, அருண், மீனா, குமார், இளங்கோ, தமிழ்',
    'சுப்பிரமணியன், இராமசாமி, கிருஷ்ணன், பழனிசாமி, வேலு, நடராஜன், சண்முகம், ஆறுமுகம், கோபால், பெருமாள்',
  ),
  names(
    'พิมพ์, สมชาย, สุดา, วิชัย, มาลี, ประเสริฐ, กนกวรรณ, ณัฐพล, อรุณ, ศิริพร',
    'แสงทอง, สุขใจ, วงศ์ไทย, ศรีสุข, ใจดี, ทองคำ, รัตนกุล, บุญมี, จันทร์เพ็ญ, พงษ์พันธ์',
  ),
  names(
    'Mary-Jane, Oluwaseun, Jean-Luc, Anne Marie, Kwame, Ngozi, Lee, Ana, Bo, Thandiwe',
    "Smith-Jones, van der Berg, de Souza, Okonkwo, Ng, Fernandes, N'Diaye, Brown, Li, Mthembu",
  ),
]

function names(given: string, family: string): Names {
  return { given: given.split(', '), family: family.split(', ') }
}

export const JOB_TITLES = [
  'Cashier',
  'Shift manager',
  'Branch manager',
  'Stock clerk',
  'Customer service',
  'Pharmacist',
  'Baker',
  'Loss prevention',
  'Trainee',
  'Area manager',
] as const

export const GREETINGS = [
  'Dzień dobry! 👋',
  'いらっしゃいませ 🛍️',
  'Grüß Gott!',
  'Καλημέρα ☀️',
  '👩🏽‍🍳 Bon appétit',
  'Have a nice day 🙂',
  '欢迎光临 🎉',
  'Tervetuloa ❄️',
] as const
