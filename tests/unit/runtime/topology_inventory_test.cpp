// SPDX-License-Identifier: BSD-3-Clause
// What a topology knows beside its structure: types of caches, dies, kinds, devices, memory attributes.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <cooper/runtime/topology.hpp>

#include "topology_hwloc.hpp"

using namespace cooper;
namespace fs = std::filesystem;

namespace {

fs::path data(const std::string& name) { return fs::path{COOPER_SOURCE_DIR} / "tests/data/topology" / name; }

std::string content_of(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

topology loaded(result<topology> made) {
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message()));
  return *std::move(made);
}
topology xml(const std::string& name) { return loaded(topology::from_xml(data(name))); }
topology synthetic(const std::string& description) { return loaded(topology::from_synthetic(description)); }

// A file of its own that is gone afterwards.
result<topology> from_content(const std::string& content) {
  std::string folder = (fs::temp_directory_path() / "cooper-inventory-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto file = fs::path{folder} / "edited.xml";
  std::ofstream{file, std::ios::binary} << content;
  auto made = topology::from_xml(file);
  fs::remove_all(folder);
  return made;
}

std::string without_lines(const std::string& content, const std::string& pattern) {
  return std::regex_replace(content, std::regex{"[^\\n]*(" + pattern + ")[^\\n]*\\n"}, "");
}

std::vector<core_id> cores(std::initializer_list<std::uint16_t> ids) {
  std::vector<core_id> out;
  for (const auto id : ids) out.push_back(core_id{id});
  return out;
}

const device& named(const topology& t, const std::string& name) {
  const auto found =
      std::find_if(t.devices().begin(), t.devices().end(), [&](const device& d) { return d.name == name; });
  REQUIRE_MESSAGE(found != t.devices().end(), name);
  return *found;
}

// Valid positions, ascending cores, JSON and text of printable UTF-8; the parser refuses what is not UTF-8.
void check_inventory(const topology& t) {
  CAPTURE(t.name());
  const auto is_list = [&](const std::vector<core_id>& list) {
    return std::is_sorted(list.begin(), list.end()) && (list.empty() || list.back().value < t.size());
  };
  bool after_instruction = false;
  for (const auto& c : t.caches()) {
    CHECK(is_list(c.cores));
    CHECK(c.ways >= -1);
    CHECK_FALSE((after_instruction && c.type != cache_type::instruction));
    after_instruction = c.type == cache_type::instruction;
  }
  for (const auto& thread : t.threads())
    for (const auto id : {thread.l1, thread.l2, thread.l3})
      CHECK((id == nowhere || t.caches().at(id).type != cache_type::instruction));
  for (const auto& d : t.dies()) CHECK((is_list(d.cores) && (d.package == nowhere || d.package < t.packages().size())));
  for (const auto& k : t.cpu_kinds()) CHECK((is_list(k.cores) && !k.cores.empty()));
  for (const auto& a : t.memory_attributes()) CHECK((is_list(a.initiator) && a.node < t.nodes().size()));
  bool after_os = false;
  for (const auto& d : t.devices()) {
    CHECK(is_list(d.near));
    CHECK((d.kind == device_kind::os) == (d.type != os_device_type::none));
    CHECK_FALSE((after_os && d.kind == device_kind::pci));
    after_os = d.kind == device_kind::os;
    if (d.pci_device == nowhere) continue;
    CHECK(after_os);
    CHECK(t.devices().at(d.pci_device).kind == device_kind::pci);
  }
  const auto json = boost::json::parse(t.to_json()).as_object();
  CHECK(json.at("caches").as_array().size() == t.caches().size());
  CHECK(json.at("dies").as_array().size() == t.dies().size());
  CHECK(json.at("memory_attributes").as_array().size() == t.memory_attributes().size());
  CHECK(json.at("cpu_kinds").as_array().size() == t.cpu_kinds().size());
  CHECK(json.at("devices").as_array().size() == t.devices().size());
  const auto text = t.to_text();
  CHECK(std::none_of(text.begin(), text.end(), [](char c) { return c != '\n' && static_cast<unsigned char>(c) < 32; }));
}

// A flat machine of `size` PUs whose root has `devices` block devices. A mask is written in words of 32 bits.
std::string machine_with_devices(unsigned size, unsigned devices) {
  const auto zeros = [](unsigned words) {
    std::string out;
    for (unsigned i = 0; i < words; ++i) out += ",0x0";
    return out;
  };
  std::string all = "0xffffffff";
  for (unsigned i = 1; i < size / 32; ++i) all += ",0xffffffff";
  unsigned index = 1;
  const auto object = [&](const std::string& type, const std::string& set) {
    return "<object type=\"" + type + "\" cpuset=\"" + set + "\" complete_cpuset=\"" + set +
           "\" nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"" + std::to_string(index++) + "\"";
  };
  std::string out = "<topology version=\"2.0\">\n" + object("Machine", all) + " allowed_cpuset=\"" + all +
                    "\" allowed_nodeset=\"0x1\">\n" + object("NUMANode", all) +
                    " os_index=\"0\" local_memory=\"1048576\"/>\n";
  for (unsigned i = 0; i < size; ++i) {
    static constexpr const char* digits[] = {"1", "2", "4", "8"};
    const std::string word = std::string{"0x"} + digits[i % 4] + std::string(i % 32 / 4, '0');
    out += object("PU", word + zeros(i / 32)) + " os_index=\"" + std::to_string(i) + "\"/>\n";
  }
  for (unsigned i = 0; i < devices; ++i)
    out += "<object type=\"OSDev\" gp_index=\"" + std::to_string(index++) + "\" name=\"a\" osdev_type=\"0\"/>\n";
  return out + "</object>\n</topology>\n";
}

}  // namespace

TEST_CASE("this machine's caches, kinds and devices are read") {
  const auto here = topology::discover();
  REQUIRE(here);
  check_inventory(*here);
}

TEST_CASE("machines that have no such things have none") {
  for (const char* name : {"one_core.xml", "no_packages.xml", "no_caches.xml", "hwloc_v1.xml", "offline.xml"}) {
    const auto t = xml(name);
    check_inventory(t);
    CHECK(t.dies().empty());
    CHECK(t.devices().empty());
    CHECK(t.memory_attributes().empty());
    CHECK(t.to_text().find("Devices") == std::string::npos);
  }
}

TEST_CASE("instruction caches come after the others and are nobody's l1") {
  const auto t = xml("two_dies.xml");
  check_inventory(t);
  REQUIRE(t.caches().size() == 10);
  const auto& l1 = t.caches()[t.threads()[0].l1];
  CHECK(l1.type == cache_type::data);
  CHECK(l1.ways == 8);
  CHECK(t.caches()[4].type == cache_type::unified);
  CHECK(t.caches()[4].level == 3);
  CHECK(t.caches()[4].ways == 0);  // the file says -7
  CHECK(t.caches()[6].type == cache_type::instruction);
  CHECK(t.caches()[6].level == 1);
  CHECK(t.caches()[6].ways == -1);
  CHECK(t.caches()[6].cores == cores({0}));
  CHECK(name_of(cache_type::instruction) == "instruction");
  // Text and picture show each core with its one first-level cache.
  CHECK(t.to_text().find("core 0   PU 0   L1 32 KiB, speed") != std::string::npos);
}

TEST_CASE("dies name their package and their cores") {
  const auto t = xml("two_dies.xml");
  REQUIRE(t.dies().size() == 2);
  CHECK(t.dies()[0].package == 0);
  CHECK(t.dies()[0].cores == cores({0, 1}));
  CHECK(t.dies()[1].cores == cores({2, 3}));
  const auto many = synthetic("package:2 die:2 core:2 pu:1");
  check_inventory(many);
  REQUIRE(many.dies().size() == 4);
  CHECK(many.dies()[2].package == 1);
  const auto bare = synthetic("die:2 core:2 pu:1");
  check_inventory(bare);
  REQUIRE(bare.dies().size() == 2);
  CHECK(bare.dies()[0].package == nowhere);
}

TEST_CASE("kinds of CPUs come in the order of their efficiency, which is also their cores' class") {
  const auto t = xml("two_dies.xml");
  REQUIRE(t.cpu_kinds().size() == 3);
  CHECK(t.cpu_kinds()[0].cores == cores({3}));
  CHECK(t.cpu_kinds()[1].cores == cores({1, 2}));
  for (const auto& kind : t.cpu_kinds())
    for (const auto c : kind.cores) CHECK(t.thread(c).efficiency_class == kind.efficiency);
  CHECK(xml("asymmetric.xml").cpu_kinds().size() == 2);
}

TEST_CASE("devices of the bus have ids, a class and the cores that they are near") {
  const auto t = xml("devices.xml");
  check_inventory(t);
  const auto& gpu = named(t, "0000:01:00.0");
  CHECK(gpu.kind == device_kind::pci);
  CHECK(gpu.vendor_id == 0x10de);
  CHECK(gpu.device_id == 0x20b0);
  CHECK(gpu.class_id == 0x0302);
  CHECK(gpu.class_name == "3D");
  CHECK(gpu.near == cores({0, 1}));
  CHECK(named(t, "0000:00:03.0").class_name == "Ethernet");
  CHECK(named(t, "0001:80:00.0").near == cores({2, 3}));
  // Host bridges and the like are not important to hwloc.
  CHECK(std::none_of(t.devices().begin(), t.devices().end(), [](const auto& d) { return d.name == "0000:00:00.0"; }));
}

TEST_CASE("devices of the operating system have a type, and the device of the bus that they are") {
  const auto t = xml("devices.xml");
  const auto& eth0 = named(t, "eth0");
  CHECK(eth0.kind == device_kind::os);
  CHECK(eth0.type == os_device_type::network);
  CHECK(t.devices().at(eth0.pci_device).name == "0000:00:03.0");
  CHECK(eth0.near == cores({0, 1}));
  CHECK(named(t, "card0").type == os_device_type::gpu);
  CHECK(named(t, "renderD128").pci_device == named(t, "card0").pci_device);
  CHECK(named(t, "nvme0n1").type == os_device_type::block);
  CHECK(named(t, "pmem0").pci_device == nowhere);
  CHECK(named(t, "pmem0").near.size() == t.size());
  // One without a name, beside the disk.
  CHECK(named(t, "").pci_device == named(t, "nvme0n1").pci_device);
  CHECK(name_of(os_device_type::coprocessor) == "coprocessor");
  CHECK(name_of(os_device_type::other) == "other");
}

TEST_CASE("the text has a line for each part of the machine with devices, without those of the bus that have a name") {
  const auto text = xml("devices.xml").to_text();
  CHECK(text.find("\nDevices\n  near PU 0-1   card0 (gpu), renderD128 (gpu), eth0 (network), nvme0n1 (block), "
                  "(no name) (coprocessor)\n  near PU 0-3   pmem0 (block), odd") != std::string::npos);
  CHECK(text.find("\n  near PU 2-3   0001:80:00.0 (ProcessingAccelerator)\n") != std::string::npos);
}

TEST_CASE("memory attributes name the node, who sees them, and the value") {
  const auto t = xml("memory_attributes.xml");
  check_inventory(t);
  const auto value = [&](const std::string& name, std::uint32_t node, const std::vector<core_id>& from) {
    for (const auto& a : t.memory_attributes())
      if (a.name == name && a.node == node && a.initiator == from) return a.value;
    return std::uint64_t{0};
  };
  CHECK(value("Bandwidth", 1, cores({0, 1})) == 400'000);
  CHECK(value("Bandwidth", 1, cores({2, 3})) == 50'000);
  CHECK(value("Latency", 2, cores({0, 1})) == 180);
  CHECK(value("Latency", 3, cores({0, 1})) == 0);  // the file leaves it out
  CHECK(value("Wear", 2, {}) == 7);                // of the file's own, and the same for all
  CHECK(value("CoreReads", 0, cores({1})) == ~std::uint64_t{0});
  CHECK(t.memory_attributes().size() == 16);
  for (const auto& a : t.memory_attributes()) CHECK((a.name != "Capacity" && a.name != "Locality"));
}

TEST_CASE("the hash is blind to instruction caches, dies, kinds, devices and memory attributes") {
  const std::tuple<const char*, const char*> edits[] = {
      {"two_dies.xml", "<cpukind"}, {"devices.xml", "\"OSDev\""}, {"memory_attributes.xml", "memattr|CoreReads"}};
  for (const auto& [name, pattern] : edits) {
    const auto without = loaded(from_content(without_lines(content_of(data(name)), pattern)));
    const auto with = xml(name);
    CHECK(with.to_json() != without.to_json());
    CHECK(with.hash() == without.hash());
  }
  CHECK(synthetic("package:2 core:2 l1i:1 pu:1").hash() == synthetic("package:2 core:2 pu:1").hash());
  CHECK(synthetic("package:1 die:2 core:2 pu:1").hash() == synthetic("package:1 core:4 pu:1").hash());
  // As they were before there were such things to know.
  CHECK(xml("asymmetric.xml").hash() == "ad5893a8d79be13c");
  CHECK(xml("odd_nodes.xml").hash() == "77ec3b6bbe58f267");
  CHECK(xml("hwloc_v1.xml").hash() == "fa1b59bbabba8d42");
}

TEST_CASE("names from a file come out as printable text, or the file is refused") {
  CHECK(named(xml("devices.xml"), "odd?[31m?name?").type == os_device_type::network);
  const auto content = content_of(data("devices.xml"));
  for (const std::string name : {"\x1b[31m", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "a&#9;b", "&#x7f;&#x85;",
                                 "&#x2028;", "&#xfeff;", "\xe2\x80\xae", "&lt;&quot;\\", "  "}) {
    CAPTURE(name);
    auto edited = std::regex_replace(content, std::regex{"\"(eth0|pmem0)\""}, "\"" + name + "\"");
    const auto host = edited.find("<info ");
    edited.insert(host, "<info name=\"HostName\" value=\"h" + name + "\"/>\n");
    const auto made = from_content(edited);
    if (made)
      check_inventory(*made);
    else
      CHECK(made.error().code() == errc::malformed_input);
  }
  const auto long_name =
      loaded(from_content(std::regex_replace(content, std::regex{"eth0"}, std::string(100'000, 'x'))));
  check_inventory(long_name);
  CHECK(long_name.to_text().size() < 2'000);
}

TEST_CASE("devices with contradictory or senseless attributes are taken as they are, or the file is refused") {
  const auto content = content_of(data("devices.xml"));
  const std::pair<const char*, const char*> edits[] = {
      {"osdev_type=\"1\"", "osdev_type=\"77\""},
      {"osdev_type=\"1\"", "osdev_type=\"-1\""},
      {"osdev_type=\"1\"", ""},
      {"pci_busid=\"[^\"]*\"", ""},
      {"pci_busid=\"[^\"]*\"", "pci_busid=\"zzzz\""},
      {"pci_type=\"[^\"]*\"", ""},
      {"pci_type=\"0302[^\"]*\"", "pci_type=\"ffffffff [fffff:1] [0:0] 0\""},
      {"bridge_pci=\"[^\"]*\"", ""},
      {"bridge_type=\"[^\"]*\"", "bridge_type=\"9-9\""},
      {"type=\"PCIDev\"", "type=\"OSDev\""},
      {"type=\"OSDev\"", "type=\"PCIDev\""},
      {"type=\"OSDev\"", "type=\"Misc\""},
      {"type=\"Bridge\"", "type=\"Group\""},
      {"type=\"L1iCache\"", "type=\"L1Cache\""},
      {"type=\"OSDev\"", "type=\"PU\""},
      {"cache_type=\"2\"", "cache_type=\"1\""},
  };
  for (const auto& pair : edits) {
    const std::string pattern = pair.first, put = pair.second;
    CAPTURE(pattern);
    CAPTURE(put);
    const auto made = from_content(std::regex_replace(content, std::regex{pattern}, put));
    if (made)
      check_inventory(*made);
    else
      CHECK(made.error().code() == errc::malformed_input);
  }
}

TEST_CASE("memory attributes and kinds of things that are not there are left out, or the file is refused") {
  const std::tuple<const char*, const char*, const char*> edits[] = {
      {"memory_attributes.xml", "target_obj_gp_index=\"16\"", "target_obj_gp_index=\"999\""},
      {"memory_attributes.xml", "target_obj_gp_index=\"16\"", "target_obj_gp_index=\"5\""},
      {"memory_attributes.xml", "target_obj_type=\"NUMANode\"", "target_obj_type=\"PU\""},
      {"memory_attributes.xml", "initiator_cpuset=\"0x0000000c\"", ""},
      {"memory_attributes.xml", "initiator_cpuset=\"0x0000000c\"", "initiator_cpuset=\"0xf0000000\""},
      {"memory_attributes.xml", "initiator_cpuset=\"0x0000000c\"", "initiator_cpuset=\"0xf...f\""},
      {"memory_attributes.xml", "initiator_obj_gp_index=\"5\"", "initiator_obj_gp_index=\"999\""},
      {"memory_attributes.xml", "value=\"30000\"", "value=\"-1\""},
      {"memory_attributes.xml", "\"Wear\" flags=\"2\"", "\"W&#9;e\" flags=\"6\""},
      {"memory_attributes.xml", "\"Wear\"", "\"Capacity\""},
      {"two_dies.xml", "cpukind cpuset=\"0x00000006\"", "cpukind cpuset=\"0xf...f\""},
      {"two_dies.xml", "cpukind cpuset=\"0x00000006\"", "cpukind cpuset=\"0x0\""},
      {"two_dies.xml", "cpukind cpuset=\"0x00000006\"", "cpukind"},
      {"two_dies.xml", "forced_efficiency=\"1\"", "forced_efficiency=\"-99999999999\""},
      {"two_dies.xml", "type=\"Die\"", "type=\"Package\""},
      {"two_dies.xml", "type=\"L3Cache\"", "type=\"Package\""},
  };
  for (const auto& edit : edits) {
    const std::string name = std::get<0>(edit), pattern = std::get<1>(edit), put = std::get<2>(edit);
    CAPTURE(pattern);
    CAPTURE(put);
    const auto made = from_content(std::regex_replace(content_of(data(name)), std::regex{pattern}, put));
    if (made)
      check_inventory(*made);
    else
      CHECK(made.error().code() == errc::malformed_input);
  }
}

TEST_CASE("more devices than can be listed with their cores are too many") {
  const auto fits = from_content(machine_with_devices(64, 2'000));
  CHECK(loaded(fits).devices().size() == 2'000);
  CHECK(fits->to_text().find(" and 1992 more\n") != std::string::npos);
  const auto many = from_content(machine_with_devices(1024, 4'200));
  REQUIRE_FALSE(many);
  CHECK(many.error().code() == errc::too_large);
}

TEST_CASE("printable text keeps what can be read and replaces what cannot") {
  using detail::printable;
  CHECK(printable("") == "");
  CHECK(printable("eth0 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "eth0 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(printable(std::string_view{"a\0b\x1b\x7f\n", 6}) == "a?b???");
  CHECK(printable("\xc2\x9b\xc2\x80\xc2\xa0") == "??\xc2\xa0");
  CHECK(printable("\xff\xc3") == "??");                                            // never a first byte; cut off
  CHECK(printable("\xc0\xaf") == "??");                                            // longer than needed
  CHECK(printable("\xe0\x80\xaf") == "???");                                       // ... of three bytes
  CHECK(printable("\xed\xa0\x80") == "???");                                       // half of a surrogate pair
  CHECK(printable("\xf4\x90\x80\x80") == "????");                                  // beyond the last code point
  CHECK(printable("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf") == "????");  // direction, line, order
  CHECK(printable("abc", 3) == "abc");
  CHECK(printable("abcd", 3) == "abc...");
  CHECK(printable("ab\xc3\xa9", 3) == "ab...");
}
