// SPDX-License-Identifier: BSD-3-Clause
// Machines from synthetic strings, from XML files of odd machines (tests/data/topology), and this one.
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>

#include <cooper/runtime/topology.hpp>

using namespace cooper;
namespace fs = std::filesystem;

namespace {

fs::path data(const std::string& name) { return fs::path{COOPER_SOURCE_DIR} / "tests/data/topology" / name; }

topology xml(const std::string& name) {
  auto loaded = topology::from_xml(data(name));
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  return *std::move(loaded);
}

topology synthetic(const std::string& description) {
  auto loaded = topology::from_synthetic(description);
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  return *std::move(loaded);
}

class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (fs::temp_directory_path() / "cooper-topology-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~scratch_folder() { fs::remove_all(path_); }
  fs::path file(const std::string& name, const std::string& content) const {
    std::ofstream{path_ / name, std::ios::binary} << content;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct refusal {
  errc code;
  std::string message;
};
template <class T>
refusal refused(const result<T>& r) {
  REQUIRE_FALSE(r);
  return {r.error().code(), r.error().message()};
}

bool mentions(const refusal& r, const std::string& what) { return r.message.find(what) != std::string::npos; }

// Parses the picture and counts its elements; throws what the parser finds wrong.
void count_elements(const boost::property_tree::ptree& tree, std::size_t& pills, std::size_t& all) {
  for (const auto& [name, child] : tree) {
    if (name != "<xmlattr>") ++all;
    if (name == "title") ++pills;
    count_elements(child, pills, all);
  }
}

void check_prints(const topology& t) {
  CAPTURE(t.name());
  const auto json = boost::json::parse(t.to_json()).as_object();
  CHECK(json.at("cores").as_array().size() == t.size());
  CHECK(json.at("topology_hash").as_string() == t.hash());
  const auto text = t.to_text();
  CHECK(text.find(t.hash()) != std::string::npos);
  // One row a physical core, each with its PUs.
  std::size_t rows = 0;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (line.find("core ") != std::string::npos && line.find(" PU ") != std::string::npos) ++rows;
  CHECK(rows == t.physical_core_count());
  std::istringstream picture{t.to_svg()};
  boost::property_tree::ptree tree;
  REQUIRE_NOTHROW(boost::property_tree::read_xml(picture, tree));
  std::size_t pills = 0, all = 0;
  count_elements(tree, pills, all);
  CHECK(pills == t.size());
  CHECK(all > 2 * t.size());
}

void check_invariants(const topology& t) {
  REQUIRE(t.size() >= 1);
  for (std::size_t i = 0; i < t.size(); ++i) {
    const auto& thread = t.threads()[i];
    CHECK(thread.id.value == i);
    CHECK(thread.physical_core < t.physical_core_count());
    for (const auto id : {thread.l1, thread.l2, thread.l3}) CHECK((id == nowhere || id < t.caches().size()));
    CHECK((thread.package == nowhere || thread.package < t.packages().size()));
    CHECK((thread.node == nowhere || thread.node < t.nodes().size()));
    CHECK(t.find_pu(thread.pu_index) == thread.id);
  }
  for (const auto& c : t.caches()) CHECK(std::is_sorted(c.cores.begin(), c.cores.end()));
}

}  // namespace

TEST_CASE("this machine is found, with the threads that this process may use") {
  const auto here = topology::discover();
  REQUIRE(here);
  check_invariants(*here);
  check_prints(*here);
  CHECK(here->is_this_machine());
  cpu_set_t mask;
  REQUIRE(::sched_getaffinity(0, sizeof mask, &mask) == 0);
  CHECK(here->allowed_cores().size() <= static_cast<std::size_t>(CPU_COUNT(&mask)));
  CHECK_FALSE(here->allowed_cores().empty());
}

TEST_CASE("a thread with a narrower affinity mask sees fewer allowed cores of the same machine") {
  const auto before = topology::discover();
  REQUIRE(before);
  const auto first = before->thread(before->allowed_cores().front()).pu_index;
  std::optional<topology> narrowed;
  std::thread{[&] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    if (::sched_setaffinity(0, sizeof mask, &mask) != 0) return;
    if (auto seen = topology::discover()) narrowed = *std::move(seen);
  }}.join();
  REQUIRE(narrowed);
  CHECK(narrowed->allowed_cores() == std::vector{*before->find_pu(first)});
  CHECK(narrowed->size() == before->size());
  CHECK(narrowed->hash() == before->hash());
}

TEST_CASE("synthetic machines of 2 to 1024 cores load and print as text, JSON and picture") {
  const std::pair<const char*, std::size_t> machines[] = {
      {"pu:2", 2},
      {"core:3 pu:1", 3},
      {"package:2 core:2 pu:1", 4},
      {"package:1 l3:1 l2:2 core:2 pu:2", 8},
      {"package:2 numa:2 l3:1 core:4 pu:1", 16},
      {"package:4 l3:2 core:4 pu:2", 64},
      {"numa:3 core:5 pu:4", 60},
      {"package:2 l3:8 core:8 pu:1", 128},
      {"package:2 numa:4 l3:1 core:16 pu:8", 1024},
      {"package:8 l3:8 l2:2 core:8 pu:1", 1024},
      {"pu:1024", 1024},
      {"core:3 package:2 pu:1", 6},  // packages inside cores: hwloc lets them pass
  };
  for (const auto& pair : machines) {
    const std::string description = pair.first;
    const std::size_t size = pair.second;
    const auto t = synthetic(description);
    CHECK(t.size() == size);
    CHECK(t.name() == description);
    CHECK_FALSE(t.is_this_machine());
    check_invariants(t);
    check_prints(t);
  }
}

TEST_CASE("the largest machine that core ids can number loads, and one thread more is refused before hwloc builds it") {
  CHECK(synthetic("package:8 core:512 pu:1").size() == core_count_max);
  CHECK(refused(topology::from_synthetic("pu:4097")).code == errc::too_large);
  CHECK(refused(topology::from_synthetic("package:1000 core:1000 pu:1000")).code == errc::too_large);
  CHECK(refused(topology::from_synthetic("package:64 [numa] core:64 [numa] [numa] pu:1")).code == errc::too_large);
}

TEST_CASE("a message's link class is the smallest thing that both cores share") {
  const auto t = synthetic("package:2 l3:2 l2:2 core:2 pu:2");
  const auto class_of = [&](std::uint16_t b) { return t.relation(core_id{0}, core_id{b}); };
  CHECK(class_of(0) == link_class::self);
  CHECK(class_of(1) == link_class::smt);
  CHECK(class_of(2) == link_class::l2);
  CHECK(class_of(4) == link_class::l3);
  CHECK(class_of(8) == link_class::package);
  CHECK(class_of(16) == link_class::remote);
  for (std::uint16_t a = 0; a < t.size(); ++a)
    for (std::uint16_t b = 0; b < t.size(); ++b)
      CHECK(t.relation(core_id{a}, core_id{b}) == t.relation(core_id{b}, core_id{a}));
  CHECK(name_of(link_class::package) == "package");
}

TEST_CASE("without packages the NUMA node takes the package's place between cores") {
  const auto t = xml("no_packages.xml");
  check_invariants(t);
  check_prints(t);
  CHECK(t.packages().empty());
  CHECK(t.nodes().size() == 2);
  CHECK(t.relation(core_id{0}, core_id{2}) == link_class::package);
  CHECK(t.relation(core_id{0}, core_id{4}) == link_class::remote);
}

TEST_CASE("a machine without cache objects has links by package only") {
  const auto t = xml("no_caches.xml");
  check_prints(t);
  CHECK(t.caches().empty());
  CHECK(t.threads()[0].l1 == nowhere);
  CHECK(t.relation(core_id{0}, core_id{1}) == link_class::smt);
  CHECK(t.relation(core_id{0}, core_id{2}) == link_class::package);
  CHECK(t.relation(core_id{0}, core_id{4}) == link_class::remote);
}

TEST_CASE("one core is a machine") {
  const auto t = xml("one_core.xml");
  check_invariants(t);
  check_prints(t);
  CHECK(t.size() == 1);
  CHECK(t.relation(core_id{0}, core_id{0}) == link_class::self);
}

TEST_CASE("nodes without memory and nodes without CPUs are kept apart from the cores' own") {
  const auto t = xml("odd_nodes.xml");
  check_invariants(t);
  check_prints(t);
  REQUIRE(t.nodes().size() == 3);
  CHECK(t.nodes()[1].memory_bytes == 0);
  CHECK(t.thread(core_id{2}).node == 1);
  CHECK(t.nodes()[2].kind == "HBM");
  for (const auto& thread : t.threads()) CHECK(thread.node != 2);
  CHECK(t.to_text().find("no memory") != std::string::npos);
  CHECK(t.to_text().find("no CPUs of its own") != std::string::npos);
  REQUIRE(t.distances());
  CHECK(t.distances()->nodes == std::vector<std::uint32_t>{0, 1});
  CHECK(t.distances()->values == std::vector<std::uint64_t>{10, 21, 21, 10});
}

TEST_CASE("CPUs that are switched off are named, and are no cores") {
  const auto t = xml("offline.xml");
  check_prints(t);
  CHECK(t.size() == 4);
  CHECK(t.offline_pus() == std::vector<std::uint32_t>{4, 5, 6, 7});
  const auto r = refused(select_cores(t, "5", false));
  CHECK(r.code == errc::no_such_core);
  CHECK(mentions(r, "PU 5 is switched off"));
}

TEST_CASE("cores of different kinds keep their kind, their caches and the operating system's numbers") {
  const auto t = xml("asymmetric.xml");
  check_invariants(t);
  check_prints(t);
  CHECK(t.size() == 8);
  CHECK(t.physical_core_count() == 6);
  const auto fast = *t.find_pu(4), slow = *t.find_pu(7);
  CHECK(t.thread(fast).efficiency_class == 1);
  CHECK(t.thread(slow).efficiency_class == 0);
  CHECK(t.relation(fast, *t.find_pu(0)) == link_class::smt);
  CHECK(t.relation(slow, *t.find_pu(2)) == link_class::l2);
  CHECK(t.relation(fast, slow) == link_class::l3);
  CHECK(t.name() == "hybrid");
  // The model has characters that mean something in XML; the picture must survive them.
  CHECK(t.model() == "Two <fast> & four efficient");
  CHECK(t.to_svg().find("Two &lt;fast&gt; &amp; four") != std::string::npos);
}

TEST_CASE("cores outside the recorded cpuset are shown, and refused when chosen") {
  const auto t = xml("cpuset_limited.xml");
  check_prints(t);
  CHECK(t.size() == 8);
  CHECK(t.allowed_cores() == std::vector{core_id{2}, core_id{3}, core_id{4}, core_id{5}});
  CHECK(*select_cores(t, std::nullopt, false) == t.allowed_cores());
  const auto r = refused(select_cores(t, "2,1", false));
  CHECK(r.code == errc::core_not_allowed);
  CHECK(mentions(r, "PU 1"));
}

TEST_CASE("a version 1 file gives the machine that a version 2 file gives") {
  const auto t = xml("hwloc_v1.xml");
  check_invariants(t);
  check_prints(t);
  CHECK(t.hash() == synthetic("package:2 l3:2 core:2 pu:2").hash());
}

TEST_CASE("the hash tells structures apart and ignores who may use them") {
  const auto whole = synthetic("package:1 l3:1 core:4 pu:2");
  CHECK(whole.hash().size() == 16);
  CHECK(whole.hash() == xml("cpuset_limited.xml").hash());
  CHECK(whole.hash() != synthetic("package:1 l3:1 core:8 pu:1").hash());
  CHECK(whole.hash() != synthetic("package:1 l3:1(size=1000000) core:4 pu:2").hash());
}

TEST_CASE("a malformed XML file is refused with its path, and with the line where one is to blame") {
  const auto cut = refused(topology::from_xml(data("truncated.xml")));
  CHECK(cut.code == errc::malformed_input);
  CHECK(mentions(cut, "truncated.xml"));
  CHECK(mentions(cut, "line 15"));
  const scratch_folder folder;
  const std::pair<const char*, const char*> files[] = {
      {"hello", "not XML"},
      {"<topology>", "ends inside <topology>"},
      {"<topology></topology>", "no object of type PU"},
      {"<html><body/></html>", "the root element is <html>"},
      {"<topology><object type=\"PU\"></topology>", "</topology> closes <object>"},
      {"<topology><object type=PU/></topology>", "not quoted"},
      {"<topology><object type=\"PU/></topology>", "no closing quote"},
      {"<topology><!-- ", "inside a comment"},
      {"<topology/><topology/>", "second root"},
      {"<topology><object type=\"PU\"/></topology>", "hwloc"},
  };
  for (const auto& pair : files) {
    const std::string content = pair.first, expected = pair.second;
    const auto r = refused(topology::from_xml(folder.file("bad.xml", content)));
    CAPTURE(content);
    CAPTURE(r.message);
    CHECK(r.code == errc::malformed_input);
    CHECK(mentions(r, expected));
    CHECK(mentions(r, "bad.xml"));
  }
}

TEST_CASE("an XML file on which hwloc aborts is refused in its stead") {
  const auto r = refused(topology::from_xml(data("contradiction.xml")));
  CHECK(r.code == errc::malformed_input);
  CHECK(mentions(r, "hwloc"));
}

TEST_CASE("what is no readable file is refused with the reason") {
  const scratch_folder folder;
  CHECK(mentions(refused(topology::from_xml(folder.path() / "missing.xml")), "No such file"));
  CHECK(mentions(refused(topology::from_xml(folder.path())), "is a directory"));
  CHECK(mentions(refused(topology::from_xml(folder.file("empty.xml", ""))), "is empty"));
  CHECK(mentions(refused(topology::from_xml("/dev/zero")), "not a regular file"));
  const auto fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(refused(topology::from_xml(fifo)).code == errc::unreadable_input);
  const auto huge = folder.file("huge.xml", "<topology>");
  fs::resize_file(huge, std::uintmax_t{1} << 33);
  CHECK(mentions(refused(topology::from_xml(huge)), "larger than"));
  CHECK(mentions(refused(topology::from_xml(folder.file("garbage.xml", std::string(1 << 20, '\xa7')))), "not XML"));
  std::string deep = "<topology>";
  for (int i = 0; i < 100'000; ++i) deep += "<object>";
  CHECK(mentions(refused(topology::from_xml(folder.file("deep.xml", deep))), "too deeply"));
}

TEST_CASE("a malformed synthetic string is refused, with what is wrong and what is right") {
  const std::pair<const char*, const char*> strings[] = {
      {"", "no level"},
      {"8x16", "'x16' after the count"},
      {"pu:0", "is zero"},
      {"pu:-1", "is no number"},
      {"package:2 core", "no count"},
      {"package:2 core:2", "not 'pu'"},
      {"blah:3", "no type of object"},
      {"package:2 package:2 pu:1", "order"},
      {"pu:99999999999999999999", "too large"},
      {"package:2 [numa", "not closed"},
  };
  for (const auto& pair : strings) {
    const std::string description = pair.first, expected = pair.second;
    const auto r = refused(topology::from_synthetic(description));
    CAPTURE(r.message);
    CHECK(r.code == errc::malformed_input);
    CHECK(mentions(r, expected));
    CHECK(mentions(r, "pu:2'"));
  }
  CHECK(mentions(refused(topology::from_synthetic(std::string(100'000, '1'))), "longer than"));
}

TEST_CASE("a list of cores is PU numbers in the given order") {
  const auto t = xml("asymmetric.xml");
  const auto chosen = select_cores(t, "7,0-2", false);
  REQUIRE(chosen);
  std::vector<std::uint32_t> pus;
  for (const auto c : *chosen) pus.push_back(t.thread(c).pu_index);
  CHECK(pus == std::vector<std::uint32_t>{7, 0, 1, 2});
}

TEST_CASE("a core named twice is refused unless oversubscription is allowed") {
  const auto t = synthetic("core:4 pu:1");
  const auto r = refused(select_cores(t, "0-2,1", false));
  CHECK(r.code == errc::duplicate_core);
  CHECK(mentions(r, "PU 1"));
  CHECK(select_cores(t, "0-2,1", true)->size() == 4);
}

TEST_CASE("cores that are none, unknown, or no list at all are refused") {
  const auto t = synthetic("core:4 pu:1");
  CHECK(refused(select_cores(t, "", false)).code == errc::no_cores);
  CHECK(refused(select_cores(t, ",", false)).code == errc::no_cores);
  CHECK(refused(select_cores(t, "4", false)).code == errc::no_such_core);
  CHECK(mentions(refused(select_cores(t, "4", false)), "there are 0-3"));
  CHECK(refused(select_cores(t, "0-4294967295", false)).code == errc::no_such_core);
  for (const char* list : {"a", "1,", ",1", "1,,2", "3-1", "1-", "-1", "1;2", "0x1", "1 2", "99999999999", "1.5"})
    CHECK_MESSAGE(refused(select_cores(t, list, false)).code == errc::bad_option, list);
}

TEST_CASE("lists of PU numbers are written as they are read") {
  CHECK(format_pu_list({}) == "none");
  CHECK(format_pu_list({5, 0, 1, 2, 7, 8}) == "0-2,5,7-8");
  CHECK(*parse_pu_list("0-2,5") == std::vector<pu_range>{{0, 2}, {5, 5}});
}
