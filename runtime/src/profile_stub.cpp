#include <cooper/runtime/faults.hpp>
#include <cooper/runtime/profile.hpp>
namespace cooper {
profile profile::uniform() {
  profile p;
  p.name = "uniform";
  for (link_costs& l : p.links) {
    l.send = duration{15};
    l.receive = duration{20};
    l.transit = duration{50};
    l.fetch = l.move = duration{85};
  }
  p.turn = duration{10};
  p.wake = std::chrono::microseconds{5};
  return p;
}
result<void> profile::check() const {
  for (auto& l : links)
    if (l.transit < cost{}) return error{errc::bad_option, "a cost is negative"};
  return {};
}
result<void> check(const std::vector<fault>&, std::size_t) { return {}; }
}  // namespace cooper
