// What both programs have in common: two threads on two CPUs, messages of 64 bytes
// that their receiver checks, and the samples as JSON. A queue has
//   size_t push(const Message *m, size_t n)  and  size_t pop(Message *m, size_t n),
// which return how many messages they took, and a member ring, its size.
#pragma once
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

// Message holds its number eight times.
struct alignas(64) Message {
	uint64_t words[8];
};

inline void number(Message *m, uint64_t n) {
	for (uint64_t &w : m->words) w = n;
}

[[noreturn]] inline void fail(const char *what) {
	fprintf(stderr, "%s\n", what);
	exit(1);
}

inline void check(const Message &m, uint64_t n) {
	uint64_t different = 0;
	for (uint64_t w : m.words) different |= w ^ n;
	if (different) {
		fprintf(stderr, "message %llu where %llu is due\n", (unsigned long long)m.words[0], (unsigned long long)n);
		exit(1);
	}
}

inline void relax() { __builtin_ia32_pause(); }

inline void pin(int cpu) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof set, &set)) fail("cannot pin a thread: give this process two CPUs");
}

inline double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

// Plan is how much is measured, on which CPUs.
struct Plan {
	const char *peer;
	int near, far;
	uint64_t samples, calls, messages; // calls and messages of a sample
};

inline bool first = true;

inline void print(const Plan &p, const char *name, const std::string &params, uint64_t per, const std::vector<double> &samples) {
	printf("%s\n{\"name\":\"%s\",\"params\":[[\"peer\",\"%s\"],%s,[\"pinned\",\"yes\"]],\"per_sample\":%llu,\"samples\":[",
	       first ? "" : ",", name, p.peer, params.c_str(), (unsigned long long)per);
	for (size_t i = 0; i < samples.size(); i++) printf("%s%.3f", i ? "," : "", samples[i]);
	printf("]}");
	first = false;
}

template <class Queue> void pushOne(Queue &q, const Message &m) {
	while (!q.push(&m, 1)) relax();
}

template <class Queue> Message popOne(Queue &q) {
	Message m;
	while (!q.pop(&m, 1)) relax();
	return m;
}

// roundTrips times calls over two queues; the first sample is dropped.
template <class Queue> void roundTrips(const Plan &p, Queue &there, Queue &back) {
	uint64_t total = (p.samples + 1) * p.calls;
	std::thread far([&] {
		pin(p.far);
		for (uint64_t n = 1; n <= total; n++) {
			Message m = popOne(there);
			check(m, n);
			pushOne(back, m);
		}
	});
	pin(p.near);
	std::vector<double> samples;
	uint64_t n = 0;
	for (uint64_t s = 0; s <= p.samples; s++) {
		double start = now();
		for (uint64_t i = 0; i < p.calls; i++) {
			Message m;
			number(&m, ++n);
			pushOne(there, m);
			check(popOne(back), n);
		}
		if (s) samples.push_back((now() - start) / p.calls);
	}
	far.join();
	print(p, "peer_roundtrip", "[\"ring\",\"" + std::to_string(there.ring) + "\"]", p.calls, samples);
}

// stream times messages one way, batch at once, as the receiver sees them.
template <class Queue, size_t batch> void stream(const Plan &p, Queue &q) {
	uint64_t total = (p.samples + 1) * p.messages;
	std::thread far([&] {
		pin(p.far);
		Message m[batch];
		for (uint64_t n = 1; n <= total;) {
			size_t k = batch < total - n + 1 ? batch : total - n + 1;
			for (size_t i = 0; i < k; i++) number(&m[i], n + i);
			for (size_t done = 0; done < k;) {
				size_t d = q.push(m + done, k - done);
				if (!d) relax();
				done += d;
			}
			n += k;
		}
	});
	pin(p.near);
	std::vector<double> samples;
	Message m[batch];
	uint64_t n = 0;
	double start = now();
	for (uint64_t s = 0; s <= p.samples; s++) {
		uint64_t until = (s + 1) * p.messages, from = n;
		while (n < until) {
			size_t k = q.pop(m, batch);
			if (!k) relax();
			for (size_t i = 0; i < k; i++) check(m[i], ++n);
		}
		double end = now();
		if (s) samples.push_back((end - start) / (n - from));
		start = end;
	}
	far.join();
	print(p, "peer_stream", "[\"ring\",\"" + std::to_string(q.ring) + "\"],[\"batch\",\"" + std::to_string(batch) + "\"]", p.messages, samples);
}

// measure measures a queue with all of its room, near to far and back.
template <class Queue> void measure(const Plan &p) {
	{
		auto *there = new Queue, *back = new Queue;
		roundTrips(p, *there, *back);
		delete there;
		delete back;
	}
	auto *one = new Queue, *many = new Queue;
	stream<Queue, 1>(p, *one);
	stream<Queue, 32>(p, *many);
	delete one;
	delete many;
}

// planOf reads the arguments: CPU CPU SAMPLES CALLS MESSAGES.
inline Plan planOf(const char *peer, int argc, char **argv) {
	if (argc != 6) fail("arguments: CPU CPU SAMPLES CALLS MESSAGES");
	auto arg = [&](int i) { return strtoull(argv[i], nullptr, 10); };
	return Plan{peer, (int)arg(1), (int)arg(2), arg(3), arg(4), arg(5)};
}
