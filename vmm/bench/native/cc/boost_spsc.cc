// boost::lockfree::spsc_queue between two threads.
#include <boost/lockfree/spsc_queue.hpp>

#include "pair.h"

template <size_t size> struct Boost {
	static constexpr size_t ring = size;
	boost::lockfree::spsc_queue<Message, boost::lockfree::capacity<size>> q;
	size_t push(const Message *m, size_t n) { return n == 1 ? q.push(*m) : q.push(m, n); }
	size_t pop(Message *m, size_t n) { return n == 1 ? q.pop(*m) : q.pop(m, n); }
};

int main(int argc, char **argv) {
	Plan p = planOf("boost_spsc", argc, argv);
	printf("[");
	measure<Boost<1024>>(p);
	measure<Boost<4096>>(p);
	printf("\n]\n");
}
